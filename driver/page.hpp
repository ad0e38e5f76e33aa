// A page that shows data: the data and the plotting library become part of it, so that it opens offline.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/histogram.hpp"

namespace cell2text::driver {

extern const char* const page_frame;
extern const char* const page_style;
extern const char* const page_shared;
extern const char* const chart_js;

/// JSON that can stand inside a script element: no text in it ends the element, or begins a comment or another one.
inline std::string script_text(const nlohmann::ordered_json& data) {
  const std::string json = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text;
  text.reserve(json.size());
  for (const char c : json) c == '<' ? text += "\\u003c" : text += c;
  return text;
}

inline nlohmann::ordered_json histogram_json(const Histogram& one) {
  return {{"what", one.what}, {"first", one.first},       {"width", one.width},     {"counts", one.counts},
          {"mean", one.mean}, {"smallest", one.smallest}, {"largest", one.largest}, {"numbers", one.numbers}};
}

/// The frame that all pages share, with `data` (read by `script`, which draws the page) in it.
inline std::string filled_page(const char* script, const nlohmann::ordered_json& data) {
  const std::pair<std::string_view, std::string> parts[] = {{"@STYLE@", page_style},
                                                            {"@DATA@", script_text(data)},
                                                            {"@CHARTJS@", chart_js},
                                                            {"@SHARED@", page_shared},
                                                            {"@SCRIPT@", script}};
  std::string page;
  std::string_view rest = page_frame;  // marks are looked for in the frame alone, whatever the data say
  for (const auto& [mark, text] : parts) {
    const auto at = rest.find(mark);
    if (at == std::string_view::npos) throw BugError("the page has no place for " + std::string(mark));
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + mark.size());
  }
  return page.append(rest);
}

}  // namespace cell2text::driver
