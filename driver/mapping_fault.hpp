// What happens when a file that is mapped into memory becomes shorter: the program ends with a sentence.
// Knows nothing of who mapped it: plugins map files too, with a copy of every inline variable of their own.
#pragma once

namespace cell2text::driver {

/// From now on, touching bytes that a mapped file has lost (SIGBUS) names the file on stderr and ends the program
/// with exit code 1. Other causes of SIGBUS end it as they would without. Call once, before threads that read.
void name_lost_mappings();

}  // namespace cell2text::driver
