// The sections of a round's report, in the seed's order.
#pragma once

#include "report/document.hpp"
#include "tank/round_record.hpp"

namespace thresher::report {

/// Everything. A recorded round has its recap and lessons only.
Document document_of(const tank::RoundRecord& record);

// One file a group of sections; each appends to the document.
void add_recap(Document& document, const tank::RoundDefinition& recorded);
void add_rules(Document& document, const tank::RoundRecord& record);
void add_kernel_state(Document& document, const tank::RoundRecord& record);
void add_contestants(Document& document, const tank::RoundRecord& record);
void add_panel(Document& document, const tank::RoundRecord& record);
void add_results(Document& document, const tank::RoundRecord& record);
void add_champion(Document& document, const tank::RoundRecord& record);
void add_lessons(Document& document, const tank::RoundRecord& record);
void add_forecasts(Document& document, const tank::RoundRecord& record);
void add_method(Document& document, const tank::RoundRecord& record);

}  // namespace thresher::report
