// The tables of a ledger, and the numbers by which a file is known as one.
#pragma once

namespace thresher::tank {

/// "THRL" as a big-endian number, in the file's header: `file` and SQLite tell it from other databases.
inline constexpr int kLedgerApplicationId = 0x5448524C;

/// PRAGMA user_version. Every change of the schema below counts it up.
inline constexpr int kLedgerSchemaVersion = 1;

/// CREATE statements of all tables and triggers.
const char* ledger_schema() noexcept;

}  // namespace thresher::tank
