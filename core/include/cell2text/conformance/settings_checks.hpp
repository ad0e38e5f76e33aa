// Whether a plugin's settings are what they say they are: every key described, everything else refused by name.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cell2text/conformance/check.hpp"

namespace cell2text::conformance::settings_check {

/// Runs the plugin's own check of a table.
inline SettingsFaults faults_of(const Subject& subject, const Value& table, Value& resolved) {
  SettingsFaults faults;
  subject.descriptor->check(table, "", faults, resolved).raise();
  return faults;
}

/// Fails unless the table is refused by a message that names `key`.
inline void expect_refused(const Subject& subject, const Value& table, const std::string& key,
                           const std::string& what) {
  Value resolved;
  const SettingsFaults faults = faults_of(subject, table, resolved);
  expect(!faults.list.empty(), what + " is accepted; list every key in describe(), and let the core read them");
  for (const SettingsFaults::One& fault : faults.list)
    if (fault.message.find(key) != std::string::npos) return;
  throw Failed(what + " is refused without its name: " + faults.text());
}

/// A value that a field of this type cannot take.
inline Value wrong_value(const FieldInfo& field) {
  if (field.type.starts_with("table")) return Value{std::int64_t{1}};
  return Value{Value::Table{}};
}

inline const FieldInfo* find(const std::vector<FieldInfo>& fields, const std::string& name) {
  const auto found = std::ranges::find(fields, name, &FieldInfo::name);
  return found == fields.end() ? nullptr : &*found;
}

/// Every key of the resolved table is described, and every described key that has a default is in the table.
inline void expect_described(const std::vector<FieldInfo>& fields, const Value& resolved, const std::string& path) {
  for (const Entry& entry : *resolved.get_if<Value::Table>()) {
    const FieldInfo* field = find(fields, entry.key);
    expect(field, "'" + path + entry.key + "' is read and written, and the list of settings does not have it");
    if (!field->fields.empty() && entry.value.is_table())
      expect_described(field->fields, entry.value, path + entry.key + ".");
  }
  for (const FieldInfo& field : fields) {
    expect(!field.about.help.empty(), "'" + path + field.name + "' has no help; say in About what it means");
    expect(!field.has_default || resolved.find(field.name),
           "'" + path + field.name + "' is described, and what is written with every default lacks it");
  }
}

/// Each field with a value of another type, in a copy of the table that is otherwise accepted.
inline void expect_types(const Subject& subject, const std::vector<FieldInfo>& fields, const Value& resolved) {
  for (const FieldInfo& field : fields) {
    Value wrong = resolved;
    wrong.set(field.name, wrong_value(field));
    expect_refused(subject, wrong, field.name, "'" + field.name + "' with " + wrong_value(field).type_name());
  }
}

inline void check(const Subject& subject) {
  const std::vector<FieldInfo> fields = fields_of(subject);
  expect(*subject.descriptor->help, "the plugin has no help text; give one to CELL2TEXT_PLUGIN");
  Value resolved;
  if (const auto faults = faults_of(subject, subject.settings, resolved); !faults.list.empty())
    throw Unusable(faults.text());
  expect_described(fields, resolved, "");
  Value again;
  const auto faults = faults_of(subject, resolved, again);
  expect(faults.list.empty(), "its own settings with every default written out are refused: " + faults.text());
  std::string differing;
  for (const std::string& key : differing_keys(resolved, again)) differing += (differing.empty() ? "" : ", ") + key;
  expect(differing.empty(), "settings read back from what was written differ in: " + differing);
  Value unknown = resolved;
  const std::string key = "cell2text_no_such_key";
  unknown.set(key, Value{std::int64_t{1}});
  expect_refused(subject, unknown, key, "the unknown key '" + key + "'");
  expect_types(subject, fields, resolved);
}

}  // namespace cell2text::conformance::settings_check
