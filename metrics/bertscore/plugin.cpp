#include "cell2text/plugin.hpp"

#include "bertscore.hpp"

CELL2TEXT_PLUGIN(metric, "bertscore", cell2text::bertscore::BertScore,
                 "BERTScore: tokens of both texts matched by a BERT or RoBERTa encoder.")
