// What a sample is made of, told: its parts, and what their caps held back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cell2text::dataset {

/// What a cell was taken for: the first part that drew it; `top_up` where none did; `all` where every cell is taken.
enum class SamplePart : std::uint8_t { whole, cell_type, disease, donor, rare_tissue, top_up, all };
inline constexpr std::array<std::string_view, 7> sample_part_names = {"whole",       "cell_type", "disease", "donor",
                                                                      "rare_tissue", "top_up",    "all"};

struct SampleReport {
  struct Part {
    SamplePart part;
    std::int64_t asked = 0;  ///< its size: the share of the sample
    std::int64_t drawn = 0;  ///< less than asked where caps, or too few cells, left it short
    std::int64_t kept = 0;   ///< of these, not drawn by a part above
  };
  struct Cap {
    SamplePart part;
    std::string name;            ///< of the tissue, cell type, disease or donor
    std::int64_t cells = 0;      ///< in play; 0 where a name of the settings occurs nowhere
    std::int64_t at_most = 0;    ///< what the cap lets the part draw
    std::int64_t held_back = 0;  ///< what the part would have drawn more without the cap, before it is cut to its size
  };
  std::int64_t available = 0;         ///< cells in play
  std::optional<std::int64_t> asked;  ///< nothing: all
  std::int64_t taken = 0;
  std::int64_t topped_up = 0;
  std::vector<Part> parts;  ///< empty where all cells are taken
  std::vector<Cap> caps;    ///< those with a name in the settings, and the others that held anything back
  double rare_cells = 0;    ///< a tissue with no more cells than this is rare
};

}  // namespace cell2text::dataset
