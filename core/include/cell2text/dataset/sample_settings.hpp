// The [sample] table of a dataset: how many cells are taken, by which shares and caps (paper, section A.1).
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "cell2text/named_numbers.hpp"
#include "cell2text/settings.hpp"

namespace cell2text::dataset {

struct SampleSettings {
  IntOrAll cells;
  double whole_share = 0.30, cell_type_share = 0.25, disease_share = 0.20, donor_share = 0.15, rare_tissue_share = 0.10;
  NamedNumbers tissue_caps{{{"brain", 0.20}, {"blood", 0.15}}};
  double cell_type_cap = 0.03;
  NamedNumbers disease_caps{{{"COVID-19", 0.05}, {"normal", 0.70}}};
  double disease_cap = 0.03;
  double donor_cap = 0.02;
  double rare_percentile = 10;
  std::string rare_by = "tissue_general";

  static void describe(auto& s) {
    using T = SampleSettings;
    s.field("cells", &T::cells,
            {.help = "how many cells the dataset has; all: every cell that the filter left, and nothing below matters",
             .unit = "cells",
             .min = 1});
    const auto share = [&](const char* name, double T::*member, const char* what) {
      s.field(name, member, {.help = std::string("share of the sample that is drawn ") + what, .min = 0, .max = 1});
    };
    share("whole_share", &T::whole_share, "from all cells, tissues in proportion up to `tissue_caps`");
    share("cell_type_share", &T::cell_type_share, "from every cell type, up to `cell_type_cap`");
    share("disease_share", &T::disease_share, "from every disease, up to `disease_caps` and `disease_cap`");
    share("donor_share", &T::donor_share, "from every donor, up to `donor_cap`");
    share("rare_tissue_share", &T::rare_tissue_share, "from the tissues that `rare_percentile` calls rare");
    const auto cap = [&](const char* name, auto T::*member, const char* what) {
      s.field(name, member, {.help = std::string("at most this share of its part is ") + what, .min = 0, .max = 1});
    };
    cap("tissue_caps", &T::tissue_caps, "of the tissue (tissue_general) of this name, in the part `whole_share`");
    cap("cell_type_cap", &T::cell_type_cap, "of one cell type, in the part `cell_type_share`");
    cap("disease_caps", &T::disease_caps, "of the disease of this name, in the part `disease_share`");
    cap("disease_cap", &T::disease_cap, "of any other disease, in the part `disease_share`");
    cap("donor_cap", &T::donor_cap, "of one donor, in the part `donor_share`");
    s.field("rare_percentile", &T::rare_percentile,
            {.help = "a tissue is rare when it has no more cells than this percentile of the tissues' numbers of cells",
             .min = 0,
             .max = 100});
    s.field("rare_by", &T::rare_by,
            {.help = "which column's tissues are rare or not", .choices = {"tissue_general", "tissue"}});
  }
  void validate() const {
    const double sum = whole_share + cell_type_share + disease_share + donor_share + rare_tissue_share;
    if (std::abs(sum - 1) > 1e-6)
      throw InputError(
          "the shares of [sample] (whole_share, cell_type_share, disease_share, donor_share, "
          "rare_tissue_share) add up to " +
          settings_detail::shortest(std::round(sum * 1e6) / 1e6) + "; they must add up to 1");
  }
};

}  // namespace cell2text::dataset
