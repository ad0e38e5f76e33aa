// A check of a plugin, its result, and how one is run. What is checked, kind by kind, is in the headers beside this
// one.
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cell2text/conformance/global_state.hpp"
#include "cell2text/conformance/subject.hpp"

namespace cell2text::conformance {

/// unusable: the settings that the caller gave build no object, so that nothing can be said.
enum class Status { passed, failed, not_run, unusable };

/// The name of a status, for people and for JSON.
inline const char* name_of(Status status) {
  static constexpr const char* names[] = {"passed", "failed", "not run", "unusable"};
  return names[static_cast<int>(status)];
}

/// What a check throws where the plugin fails it: what was found, and what was expected.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Where the check does not apply to this plugin, or not to these settings.
struct NotRun : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Where the caller's settings are at fault.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Fails the check unless `good`.
inline void expect(bool good, const std::string& message) {
  if (!good) throw Failed(message);
}

struct Check {
  std::string name;                    ///< one word
  std::string why;                     ///< what goes wrong for people where it fails
  std::function<void(Subject&)> body;  ///< throws one of the above; builds whatever it needs
  bool essential = false;              ///< where it fails, the checks after it say nothing
  bool prepares = false;               ///< leaves in the subject what later checks need: another process runs it again
};

struct Result {
  std::string name, why;
  Status status = Status::passed;
  std::string detail = {};  ///< what was found; empty where it passed
};

/// What an exception out of a plugin's call means for the check that made the call.
inline std::string exception_text(const Fault& fault) {
  if (fault.message == "an exception of an unknown type")
    return "it threw an exception of a type of its own; throw InputError, EnvironmentError or BugError (error.hpp), or "
           "another std::exception";
  static constexpr const char* kinds[] = {"", "an InputError", "an EnvironmentError", "a BugError"};
  return std::string("it threw ") + kinds[static_cast<int>(fault.kind)] + ": " + fault.message;
}

/// Runs one check in this process. What it changed of the process's state is put back.
inline Result run_check(const Check& check, Subject& subject) {
  Result result{check.name, check.why};
  const GlobalState before = GlobalState::now();
  const auto end = [&](Status status, const std::string& detail) { result.status = status, result.detail = detail; };
  try {
    check.body(subject);
  } catch (const Failed& failed) {
    end(Status::failed, failed.what());
  } catch (const NotRun& reason) {
    end(Status::not_run, reason.what());
  } catch (const Unusable& reason) {
    end(Status::unusable, reason.what());
  } catch (...) {
    end(Status::failed, exception_text(Fault::from_current_exception()));
  }
  before.restore();
  return result;
}

/// Whether what comes after this result would say nothing.
inline bool ends_all(const Check& check, const Result& result) {
  return result.status == Status::unusable || (check.essential && result.status != Status::passed);
}

/// The result of a check that stands behind one that ends all.
inline Result left_out(const Check& check, const std::string& because) {
  return {check.name, check.why, Status::not_run, "'" + because + "' did not pass"};
}

/// Runs all of a list in this process.
inline std::vector<Result> run(const std::vector<Check>& checks, Subject& subject) {
  std::vector<Result> results;
  std::string ended_by;
  for (const Check& check : checks) {
    results.push_back(ended_by.empty() ? run_check(check, subject) : left_out(check, ended_by));
    if (ended_by.empty() && ends_all(check, results.back())) ended_by = check.name;
  }
  return results;
}

}  // namespace cell2text::conformance
