// What the readers of pitches and of rounds share: claims and names of observables.
#pragma once

#include <string>
#include <string_view>

#include "tank/pitch.hpp"
#include "tank/toml_reader.hpp"

namespace thresher::tank {

/// Fails at `key` of `reader` unless the catalogue knows the observable.
void require_observable(const TableReader& reader, std::string_view key, std::string_view name);

/// { observable, relation, value, case } under `key`, or nothing.
std::optional<ObservableClaim> read_claim(const TableReader& reader, std::string_view key, const PitchContext& context);

}  // namespace thresher::tank
