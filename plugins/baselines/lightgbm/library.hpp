// LightGBM's shared library, found and opened when it is needed.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "api.hpp"
#include "cell2text/error.hpp"
#include "cell2text/libtorch_folder.hpp"

namespace cell2text::lightgbm {

inline constexpr const char* library_variable = "CELL2TEXT_LIGHTGBM";

/// What to do where the library is not there.
inline std::string how_to_get() {
  return std::string("install it beside LibTorch: .deps/env/bin/pip install --no-deps lightgbm==") + api::version +
         "; or name lib_lightgbm.so with 'library' of [[baselines]], or in " + library_variable;
}

/// The setting, else the variable CELL2TEXT_LIGHTGBM, else the package `lightgbm` beside the LibTorch in use.
/// InputError with the line that installs it where there is none.
inline std::filesystem::path find_library(const std::optional<std::string>& setting) {
  std::filesystem::path path;
  std::string said;
  if (setting)
    path = *setting, said = "'library' says so";
  else if (const char* variable = std::getenv(library_variable))
    path = variable, said = std::string(library_variable) + " says so";
  else if (const auto torch = libtorch_folder())
    path = torch->parent_path().parent_path() / "lightgbm/lib/lib_lightgbm.so", said = "beside LibTorch";
  if (std::filesystem::is_regular_file(path)) return path;
  throw InputError("LightGBM is not at " + path.string() + " (" + said + "); " + how_to_get());
}

/// The library with its calls. Stays in memory for the life of the process, since its threads do.
class Library {
 public:
  /// InputError: it cannot be opened, is of another major version, or lacks a call.
  explicit Library(const std::filesystem::path& path) : path_(path) {
    check_version();
    handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle_) {
      const char* reason = ::dlerror();
      throw InputError(path.string() + " cannot be opened: " + (reason ? reason : "unknown reason") + "; " +
                       how_to_get());
    }
    take(get_last_error, "LGBM_GetLastError");
    take(dataset_create_from_mat, "LGBM_DatasetCreateFromMat");
    take(dataset_create_from_csr, "LGBM_DatasetCreateFromCSR");
    take(dataset_set_field, "LGBM_DatasetSetField");
    take(dataset_free, "LGBM_DatasetFree");
    take(booster_create, "LGBM_BoosterCreate");
    take(booster_add_valid_data, "LGBM_BoosterAddValidData");
    take(booster_update_one_iter, "LGBM_BoosterUpdateOneIter");
    take(booster_get_eval, "LGBM_BoosterGetEval");
    take(booster_predict_for_mat, "LGBM_BoosterPredictForMat");
    take(booster_predict_for_csr, "LGBM_BoosterPredictForCSR");
    take(booster_save_model_to_string, "LGBM_BoosterSaveModelToString");
    take(booster_load_model_from_string, "LGBM_BoosterLoadModelFromString");
    take(booster_free, "LGBM_BoosterFree");
  }

  /// EnvironmentError with LightGBM's own words where a call failed.
  void check(int status, const char* what) const {
    if (status == 0) return;
    const char* reason = get_last_error();
    throw EnvironmentError(std::string("LightGBM could not ") + what + ": " + (reason ? reason : "no reason given"));
  }

  api::GetLastError* get_last_error = nullptr;
  api::DatasetCreateFromMat* dataset_create_from_mat = nullptr;
  api::DatasetCreateFromCSR* dataset_create_from_csr = nullptr;
  api::DatasetSetField* dataset_set_field = nullptr;
  api::DatasetFree* dataset_free = nullptr;
  api::BoosterCreate* booster_create = nullptr;
  api::BoosterAddValidData* booster_add_valid_data = nullptr;
  api::BoosterUpdateOneIter* booster_update_one_iter = nullptr;
  api::BoosterGetEval* booster_get_eval = nullptr;
  api::BoosterPredictForMat* booster_predict_for_mat = nullptr;
  api::BoosterPredictForCSR* booster_predict_for_csr = nullptr;
  api::BoosterSaveModelToString* booster_save_model_to_string = nullptr;
  api::BoosterLoadModelFromString* booster_load_model_from_string = nullptr;
  api::BoosterFree* booster_free = nullptr;

 private:
  template <class Function>
  void take(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(::dlsym(handle_, name));
    if (!function)
      throw InputError(path_.string() + " has no '" + name + "', which LightGBM " + api::version + " has; " +
                       how_to_get());
  }

  /// The library itself does not tell its version; the wheel's file VERSION.txt does, where it is there.
  void check_version() const {
    std::ifstream file(path_.parent_path().parent_path() / "VERSION.txt");
    std::string found;
    if (!(file >> found)) return;
    if (std::atoi(found.c_str()) != api::major_version)
      throw InputError(path_.string() + " is of LightGBM " + found + ", and calls are made as of version " +
                       api::version + "; " + how_to_get());
  }

  std::filesystem::path path_;
  void* handle_ = nullptr;
};

}  // namespace cell2text::lightgbm
