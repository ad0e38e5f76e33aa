// A page that shows data: the data and the plotting library become part of it, so that it opens offline.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cell2text/error.hpp"

namespace cell2text::driver {

extern const char* const chart_js;
extern const char* const page_style;
extern const char* const page_script;

/// JSON that can stand inside a script element.
inline std::string script_text(const nlohmann::ordered_json& data) {
  std::string text = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (auto at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3)) text.replace(at, 2, "<\\/");
  return text;
}

inline std::string replaced(std::string page, const std::string& mark, const std::string& text) {
  const auto at = page.find(mark);
  if (at == std::string::npos) throw BugError("the page has no place for " + mark);
  return page.replace(at, mark.size(), text);
}

/// `page` has a place for the style, the data, the library, and the small functions that pages share.
inline std::string filled_page(const std::string& page, const nlohmann::ordered_json& data) {
  std::string filled = replaced(page, "@STYLE@", page_style);
  filled = replaced(std::move(filled), "@DATA@", script_text(data));
  filled = replaced(std::move(filled), "@CHARTJS@", chart_js);
  return replaced(std::move(filled), "@SCRIPT@", page_script);
}

}  // namespace cell2text::driver
