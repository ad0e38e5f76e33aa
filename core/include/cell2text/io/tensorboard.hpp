// Scalars over steps as a TensorBoard event file: TFRecords of Event messages (tensorflow/core/util/event.proto).
// Knows nothing of training; run_folder.hpp says which scalars.
#pragma once

#include <bit>
#include <boost/crc.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"

namespace cell2text {

namespace tensorboard_detail {

// The wire format of protocol buffers: a key (field number and wire type), then the value.
enum Wire : std::uint64_t { varint_wire = 0, fixed64_wire = 1, bytes_wire = 2, fixed32_wire = 5 };

inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
inline void put_key(std::string& out, std::uint64_t field, Wire wire) {
  put_varint(out, field << 3 | wire);
}
template <class Number>
void put_raw(std::string& out, Number value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}
inline void put_double(std::string& out, std::uint64_t field, double value) {
  put_key(out, field, fixed64_wire);
  put_raw(out, value);
}
inline void put_bytes(std::string& out, std::uint64_t field, std::string_view bytes) {
  put_key(out, field, bytes_wire);
  put_varint(out, bytes.size());
  out += bytes;
}

/// CRC-32C, rotated and shifted as TFRecords store it, so that a checksum of data that holds checksums stays sound.
inline std::uint32_t masked_crc(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xa282ead8u;
}

}  // namespace tensorboard_detail

/// Appends to a new event file of a folder; TensorBoard joins all files of a folder.
class TensorBoardWriter {
 public:
  /// Values that older files have from `first_step` on are hidden by TensorBoard: an interrupted run writes them anew.
  TensorBoardWriter(const std::filesystem::path& folder, std::int64_t first_step) {
    using namespace tensorboard_detail;
    // TensorBoard reads the files in the order of their names.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    do {
      const std::string fraction = std::to_string(1'000'000 + microseconds % 1'000'000).substr(1);
      path_ = folder /
              ("events.out.tfevents." + std::to_string(microseconds / 1'000'000) + "." + fraction + ".cell2text");
      ++microseconds;
    } while (std::filesystem::exists(path_));
    out_.open(path_, std::ios::binary);
    std::string version;
    put_bytes(version, 3, "brain.Event:2");
    event(0, version);
    std::string session, start;
    put_key(session, 1, varint_wire);
    put_varint(session, 1);  // SessionLog.START
    put_bytes(start, 7, session);
    event(first_step, start);
  }

  /// Flushed as written, so that it can be followed. EnvironmentError: disk full.
  void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values) {
    using namespace tensorboard_detail;
    std::string summary;
    for (const auto& [tag, number] : values) {
      std::string value;
      put_bytes(value, 1, tag);
      put_key(value, 2, fixed32_wire);
      put_raw(value, static_cast<float>(number));
      put_bytes(summary, 1, value);
    }
    std::string body;
    put_bytes(body, 5, summary);
    event(step, body);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  void event(std::int64_t step, std::string_view body) {
    using namespace tensorboard_detail;
    std::string data;
    put_double(data, 1, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    put_key(data, 2, varint_wire);
    put_varint(data, static_cast<std::uint64_t>(step));
    data += body;
    std::string record;
    put_raw(record, static_cast<std::uint64_t>(data.size()));
    put_raw(record, masked_crc(record));
    record += data;
    put_raw(record, masked_crc(data));
    out_ << record << std::flush;
    if (!out_) throw EnvironmentError(path_.string() + ": the events cannot be written; is the disk full?");
  }

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace cell2text
