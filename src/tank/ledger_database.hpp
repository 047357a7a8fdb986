// A connection to SQLite and its statements, with failures turned into Errors that say what to do.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace thresher::tank {

/// Other processes hold SQLite's locks for a moment only: a reader that looks, a writer that closes.
inline constexpr std::chrono::milliseconds kBusyWait{2000};

class Statement;

/// One connection. Not shared between threads or across fork().
class Database {
 public:
  enum class Access { read, write, create };

  /// Throws Error(io | parse).
  Database(const std::filesystem::path& file, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements without results.
  void run(const std::string& sql);
  [[nodiscard]] std::int64_t number(const std::string& sql);
  [[nodiscard]] std::string text(const std::string& sql);

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] sqlite3* handle() const { return handle_; }

  /// Throws the Error of an SQLite result code.
  [[noreturn]] void fail(int code) const;

 private:
  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement; parameters are bound from the first on, columns read by number.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(const std::optional<double>& value);

  /// True while there is a row.
  bool step();
  /// Runs a statement without rows. Its result code when `expected` is that code, SQLITE_DONE otherwise.
  int run(int expected = SQLITE_DONE);
  /// Ready for other parameters.
  void reset();

  [[nodiscard]] std::string text(int column) const;  // of a text or a blob
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] double real(int column) const { return sqlite3_column_double(statement_, column); }
  [[nodiscard]] std::optional<double> maybe_real(int column) const;

 private:
  void check(int code) const;

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace thresher::tank
