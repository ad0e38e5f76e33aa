// The files of a built dataset: dataset.toml and beside it cells-00001.h5ad, cells-00002.h5ad, ... Names and numbers
// alone; what stands in them is the reader's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

inline constexpr const char* dataset_file = "dataset.toml";

/// "cells-00001.h5ad", numbered from 1.
inline std::string shard_name(std::int64_t number) {
  char name[40];
  std::snprintf(name, sizeof name, "cells-%05lld.h5ad", static_cast<long long>(number));
  return name;
}

namespace shard_files_detail {

/// The number in a shard's name; nothing for other names.
inline std::optional<std::int64_t> number_of(const std::string& name) {
  long long number = 0;
  if (std::sscanf(name.c_str(), "cells-%lld.h5ad", &number) != 1 || number < 1 || name != shard_name(number))
    return std::nullopt;
  return number;
}

/// The numbers of the folder's shards, ascending.
inline std::vector<std::int64_t> shard_numbers(const std::filesystem::path& folder) {
  std::vector<std::int64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (const auto number = number_of(entry.path().filename().string())) numbers.push_back(*number);
  if (error) throw EnvironmentError(folder.string() + ": the folder cannot be read: " + error.message());
  std::ranges::sort(numbers);
  return numbers;
}

/// The whole number `key` of a TOML file, among the keys before its first table, where whoever writes such a file puts
/// it. Nothing where there is none. Read here, since plugins do not see the TOML library.
inline std::optional<std::int64_t> top_number(const std::filesystem::path& path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line) && !line.starts_with('[');) {
    long long number = 0;
    char after = '#';
    const int found = std::sscanf(line.c_str(), (" " + key + " = %lld %c").c_str(), &number, &after);
    if (found >= 1 && after == '#') return number;
  }
  return std::nullopt;
}

}  // namespace shard_files_detail

/// Whether a path is a folder with a dataset, whole or not: dataset.toml or a shard is in it.
inline bool is_dataset_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return false;
  return std::filesystem::exists(path / dataset_file, ignored) || !shard_files_detail::shard_numbers(path).empty();
}

/// The shards of a dataset in their order. InputError where dataset.toml is missing or does not say how many `shards`
/// there are, or where there are others; EnvironmentError where the folder may not be read.
inline std::vector<std::filesystem::path> shard_files(const std::filesystem::path& folder) {
  const std::string name = folder.string(), again = "; build the dataset again, or copy it whole";
  const auto numbers = shard_files_detail::shard_numbers(folder);
  const auto file = folder / dataset_file;
  if (!std::filesystem::is_regular_file(file))
    throw InputError(name + ": holds shards of a dataset (" + shard_name(numbers.empty() ? 1 : numbers.front()) +
                     "), but no " + dataset_file + ", which is written last: the build is not finished. Run it again");
  const auto wanted = shard_files_detail::top_number(file, "shards");
  if (!wanted || *wanted < 1)
    throw InputError(file.string() +
                     ": does not say how many shards there are (a line like shards = 4 before its first "
                     "table)" +
                     again);
  if (numbers.empty())
    throw InputError(name + ": holds " + dataset_file + ", but no shard (" + shard_name(1) + ")" + again);
  std::vector<std::filesystem::path> files;
  for (const std::int64_t number : numbers) {
    files.push_back(folder / shard_name(number));
    if (number != std::ssize(files))
      throw InputError(name + ": " + shard_name(std::ssize(files)) + " is missing, and " + shard_name(number) +
                       " is there" + again);
  }
  if (*wanted != std::ssize(files))
    throw InputError(name + ": holds " + std::to_string(files.size()) + " shards; " + dataset_file + " says " +
                     std::to_string(*wanted) + again);
  return files;
}

}  // namespace cell2text
