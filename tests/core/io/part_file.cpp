#include "cell2text/io/part_file.hpp"

#include <sys/wait.h>

#include <random>

#include "core/io/message.hpp"
#include "support/oracle.hpp"

using namespace cell2text;
using namespace cell2text::test;
using nlohmann::json;

namespace {

const json part_job = {{"model", "abc"}, {"generation", {{"beams", 4}, {"stop", {"."}}}}};

std::vector<json> steps_of(const PartFile& part) {
  std::vector<json> all;
  part.each([&](const json& step) { all.push_back(step); });
  return all;
}

std::filesystem::path part_of(const std::filesystem::path& output) {
  return output.string() + ".cell2text-part";
}

/// A part with steps 0 .. count-1.
void make_part(const std::filesystem::path& output, int count) {
  PartFile part(output, part_job, "one machine");
  for (int step = 0; step < count; ++step) part.add({{"step", step}, {"text", "für " + std::string(step, 'x')}});
}

}  // namespace

TEST_CASE("part file: what was added is there for the next process, and goes when it is told to") {
  const TemporaryFolder folder;
  const auto output = folder / "out.csv";
  make_part(output, 3);
  {
    PartFile part(output, part_job, "another machine");
    CHECK(part.path() == part_of(output));
    CHECK(part.steps() == 3);
    CHECK(part.found() == 3);
    CHECK(part.machine() == "one machine");
    part.add({{"step", 3}});
    CHECK(part.steps() == 4);
    CHECK(part.found() == 3);
    const auto steps = steps_of(part);
    REQUIRE(steps.size() == 4);
    for (int i = 0; i < 4; ++i) CHECK(steps[i]["step"] == i);
    CHECK(steps[2]["text"] == "für xx");
    CHECK((steps_of(part) == steps));
    part.remove();
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("part file: without a finished step it leaves no trace") {
  const TemporaryFolder folder;
  make_part(folder / "out.csv", 0);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("part file: cut anywhere, it goes on with the steps that are whole") {
  const TemporaryFolder folder;
  const auto output = folder / "out.csv";
  make_part(output, 5);
  const std::string whole = read_file(part_of(output));
  const std::uint64_t number = seed();
  INFO("CELL2TEXT_TEST_SEED=" << number);
  std::mt19937_64 random(number);
  for (int i = 0; i < 60; ++i) {
    const std::size_t kept = i == 0 ? 0 : i == 1 ? whole.size() - 1 : random() % whole.size();
    write_file(part_of(output), whole.substr(0, kept));
    // A line that only lacks its end is whole.
    const auto lines = std::ranges::count(whole.substr(0, kept) + (whole[kept] == '\n' ? "\n" : ""), '\n');
    CAPTURE(kept);
    PartFile part(output, part_job, "m");
    CHECK(part.steps() == std::max<std::ptrdiff_t>(lines - 1, 0));
    part.add({{"step", part.steps()}});
    const auto steps = steps_of(part);
    REQUIRE(std::ssize(steps) == part.steps());
    for (std::size_t step = 0; step < steps.size(); ++step) CHECK(steps[step]["step"] == step);
  }
}

TEST_CASE("part file: another job's is refused with what differs, and stays") {
  const TemporaryFolder folder;
  const auto output = folder / "out.csv";
  make_part(output, 2);
  const std::string before = read_file(part_of(output));
  const auto refused = [&](const json& job) { return message_of<InputError>([&] { PartFile(output, job, "m"); }); };
  json other = part_job;
  other["generation"]["beams"] = 1;
  std::string message = refused(other);
  for (const char* part : {"out.csv.cell2text-part", "2 finished steps", "'generation/beams' is 4; now it is 1",
                           "delete the file to start anew"})
    CHECK(has(message, part));
  other = part_job;
  other["options"] = {{"--top", {"3"}}};
  CHECK(has(refused(other), "'options/--top/0' is not set; now it is \"3\""));
  CHECK(has(refused({{"model", "abc"}}), "'generation/beams' is 4; now it is not set"));
  CHECK(read_file(part_of(output)) == before);
  for (const char* text : {"[1, 2]\n", "{\"cell2text_part\": 2, \"job\": {}}\n", "{\"a\": 1}\n"}) {
    write_file(part_of(output), text);
    CHECK(has(refused(part_job), "holds no part of a job"));
    CHECK(read_file(part_of(output)) == text);
  }
  write_file(part_of(output), "cell,type\na,b\n");
  CHECK(has(refused(part_job), "not valid JSON"));
}

TEST_CASE("part file: one process at a time, and none where the folder is missing") {
  const TemporaryFolder folder;
  const auto output = folder / "out.csv";
  const PartFile part(output, part_job, "m");
  CHECK(has(message_of<InputError>([&] { PartFile(output, part_job, "m"); }), "another process is at work"));
  CHECK(has(message_of<InputError>([&] { PartFile(folder / "none/out.csv", part_job, "m"); }), "does not exist"));
}
