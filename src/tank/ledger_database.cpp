// SQLite calls with their result codes checked.
#include "tank/ledger_database.hpp"

#include <fmt/format.h>

#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

struct Explained {
  ErrorCode code;
  std::string text;
};

Explained explain(int result, const std::string& reason) {
  switch (result & 0xFF) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {ErrorCode::parse, "is not a whole ledger (" + reason +
                                    "): take it back from version control or a copy, or move it away and run the "
                                    "round again"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::io, "is locked by another process (" + reason +
                                 "): end the program that has it open (an sqlite3 shell, another thresher) and try "
                                 "again"};
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return {ErrorCode::io, "cannot be written or read (" + reason +
                                 "): the disk may be full or failing; what was committed before is kept, so make room "
                                 "and run the same command again"};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return {ErrorCode::io, "cannot be opened (" + reason +
                                 "): check that it exists and its permissions; a ledger that a killed process left "
                                 "beside a -wal file must lie in a folder that can be written to, so copy both there"};
    default:
      return {ErrorCode::internal, "SQLite refuses (" + reason + "); please report it"};
  }
}

}  // namespace

Database::Database(const std::filesystem::path& file, Access access) : file_(file) {
  int flags = SQLITE_OPEN_READONLY;
  if (access == Access::write) flags = SQLITE_OPEN_READWRITE;
  if (access == Access::create) flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // NOTE: SQLite takes names that begin with "file:" for URIs only when asked to; a path stays a path here.
  const int code = sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const Explained explained = explain(code, sqlite3_errstr(code));
    sqlite3_close(handle_);
    throw Error(explained.code, fmt::format("ledger '{}' {}", file.string(), explained.text));
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, static_cast<int>(kBusyWait.count()));
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

void Database::fail(int code) const {
  const std::string reason = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  const Explained explained = explain(code, reason);
  throw Error(explained.code, fmt::format("ledger '{}' {}", file_.string(), explained.text));
}

void Database::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    fail(code);
  }
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  statement.step();
  return statement.integer(0);
}

std::string Database::text(const std::string& sql) {
  Statement statement(*this, sql);
  statement.step();
  return statement.text(0);
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int code =
      sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr);
  if (code != SQLITE_OK) {
    database.fail(code);
  }
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) {
    database_.fail(code);
  }
}

Statement& Statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_, ++bound_, text.data() == nullptr ? "" : text.data(), text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_, ++bound_, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                            SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::bind(const std::optional<double>& value) {
  if (value) {
    return bind(*value);
  }
  check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    database_.fail(code);
  }
  return false;
}

int Statement::run(int expected) {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_DONE && code != expected) {
    database_.fail(code);
  }
  return code;
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

std::optional<double> Statement::maybe_real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) {
    return std::nullopt;
  }
  return sqlite3_column_double(statement_, column);
}

}  // namespace thresher::tank
