// From a development stage, as CELLxGENE names it (HsapDv), to the age bucket that a description tells.
// Human stages only; knows nothing of the ontology file.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cell2text/text/words.hpp"

namespace cell2text {

/// The buckets, from first to last.
inline constexpr std::array<std::string_view, 11> age_buckets = {
    "early embryonic stage", "late embryonic stage", "infancy",   "early childhood", "childhood",
    "adolescence",           "young adulthood",      "adulthood", "middle age",      "elderly stage",
    "advanced elderly stage"};

namespace age_detail {

inline constexpr std::string_view early_embryo = age_buckets[0], late_embryo = age_buckets[1];

/// The bucket of an age in years; a stage that spans years goes by its middle.
constexpr std::string_view of_years(double years) {
  constexpr std::array<std::pair<double, std::string_view>, 8> below = {{{2, "infancy"},
                                                                         {5, "early childhood"},
                                                                         {15, "childhood"},
                                                                         {20, "adolescence"},
                                                                         {30, "young adulthood"},
                                                                         {50, "adulthood"},
                                                                         {65, "middle age"},
                                                                         {80, "elderly stage"}}};
  for (const auto& [limit, bucket] : below)
    if (years < limit) return bucket;
  return "advanced elderly stage";
}

/// Stages without a number. Where HsapDv gives years, the bucket is the one of their middle. Stages that
/// span all of life before or after birth ("prenatal", "fetal", "postnatal", "immature") are not listed.
inline constexpr std::pair<std::string_view, std::string_view> named_stages[] = {
    {"embryonic", early_embryo},     {"cleavage", early_embryo},        {"morula", early_embryo},
    {"blastula", early_embryo},      {"gastrula", early_embryo},        {"neurula", early_embryo},
    {"organogenesis", early_embryo}, {"newborn", of_years(0)},          {"nursing", of_years(0)},
    {"infant", of_years(0)},         {"under-1-year-old", of_years(0)}, {"child", of_years(7)},
    {"pediatric", of_years(7)},      {"juvenile", of_years(10)},        {"adolescent", of_years(17)},
    {"young adult", of_years(27)},   {"early adulthood", of_years(35)}, {"prime adult", of_years(37)},
    {"adult", of_years(40)},         {"mature", of_years(40)},          {"middle aged", of_years(50)},
    {"late adult", of_years(70)},    {"late adulthood", of_years(70)},  {"aged", of_years(75)},
    {"centenarian", of_years(100)},
};

inline constexpr std::string_view ordinals[] = {"first",   "second", "third", "fourth", "fifth",   "sixth",
                                                "seventh", "eighth", "ninth", "tenth",  "eleventh"};

/// A whole number of at most three digits at the front of `text`, which is taken; nothing otherwise.
inline std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || value < 0 || digits > 3) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

/// "42-year-old", "60-79 year-old", "80 year-old and over", "2-4 year-old child", "7-month-old",
/// "9th week post-fertilization", "5-14 yo".
inline std::optional<std::string_view> of_number(std::string_view text) {
  const std::optional<int> from = take_number(text);
  if (!from) return std::nullopt;
  std::optional<int> to = from;
  if (text.size() > 1 && text[0] == '-' && is_digit(text[1])) {
    text.remove_prefix(1);
    to = take_number(text);
    if (!to || *to < *from) return std::nullopt;
  }
  const double middle = (*from + *to + 1) / 2.0;
  const bool separated = take_prefix(text, "-") || take_prefix(text, " ");
  if (separated && (text.starts_with("year-old") || text == "yo")) return of_years(from == to ? *from : middle);
  if (separated && text.starts_with("month-old")) return of_years(*from / 12.0);
  for (const std::string_view suffix : {"st", "nd", "rd", "th"})
    if (!separated && take_prefix(text, suffix) && text.starts_with(" week post-fertilization"))
      return *from <= 16 ? early_embryo : late_embryo;
  return std::nullopt;
}

/// "third decade" (ages 20 to 29), "fourth lmp month".
inline std::optional<std::string_view> of_ordinal(std::string_view text) {
  for (int i = 0; i < static_cast<int>(std::size(ordinals)); ++i) {
    std::string_view rest = text;
    if (!take_prefix(rest, ordinals[i])) continue;
    if (rest == " decade") return of_years(10 * i + 5);
    if (rest == " lmp month" && i < 9) return i + 1 <= 5 ? early_embryo : late_embryo;
  }
  return std::nullopt;
}

}  // namespace age_detail

/// The age bucket of a development stage, in any case and with or without "human": "42-year-old stage" is
/// adulthood. Nothing for "unknown", for names that are no human stage, and for those too wide for a bucket.
inline std::optional<std::string_view> age_bucket(std::string_view development_stage) {
  const std::string folded = fold_spaces(lower(development_stage));
  std::string_view stage = folded;
  take_prefix(stage, "human ");
  // "child stage (1-4 yo)": the years in brackets say more than the word before them.
  const std::size_t bracket = stage.find(" (");
  if (bracket != std::string_view::npos) {
    std::string_view inside = stage.substr(bracket + 2);
    if (!take_suffix(inside, ")")) return std::nullopt;
    if (const auto bucket = age_detail::of_number(inside)) return bucket;
    stage = stage.substr(0, bracket);
  }
  if (take_suffix(stage, " stage")) take_suffix(stage, " human");
  if (stage == "carnegie" || stage.starts_with("carnegie stage ")) return age_detail::early_embryo;
  for (const auto& [name, bucket] : age_detail::named_stages)
    if (stage == name) return bucket;
  if (const auto bucket = age_detail::of_number(stage)) return bucket;
  return age_detail::of_ordinal(stage);
}

}  // namespace cell2text
