// The ledger over SQLite.
//
// While it is open for appending it is in WAL mode with synchronous=FULL: a commit is in the log and synced before
// append() returns, so neither kill -9 nor a power cut takes it back, and readers can look on. close() leaves a plain
// single file. A new ledger is made beside its place and renamed into it, so an empty file is never a ledger.
#include "tank/ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <thread>

#include "device/utc_time.hpp"
#include "tank/ledger_database.hpp"
#include "tank/ledger_lock.hpp"
#include "tank/ledger_schema.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using Path = std::filesystem::path;

// One page of the smallest size that SQLite has.
constexpr std::uintmax_t kSmallestDatabase = 512;

Path beside(const Path& file, const char* suffix) {
  return Path(file.string() + suffix);
}

[[noreturn]] void refuse(ErrorCode code, const Path& file, const std::string& why) {
  throw Error(code, fmt::format("ledger '{}' {}", file.string(), why));
}

// Text that is not UTF-8 (a folder's name, say) has its bad bytes replaced: JSON has no other way.
std::string dumped(const Json& data) {
  return data.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string schema_of(Database& database) {
  return database.text(
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL "
      "ORDER BY type, name)");
}

std::string expected_schema() {
  Database memory(":memory:", Database::Access::create);
  memory.run(ledger_schema());
  return schema_of(memory);
}

// Throws unless it is a whole ledger with the tables and triggers that this program makes.
void check(Database& database) {
  const std::int64_t application = database.number("PRAGMA application_id");
  const std::int64_t version = database.number("PRAGMA user_version");
  const std::uintmax_t size = std::filesystem::file_size(database.file());
  if (size < kSmallestDatabase) {
    refuse(ErrorCode::parse, database.file(),
           fmt::format("is cut off ({} bytes): take it back from version control or a copy, or delete it and run the "
                       "round again",
                       size));
  }
  if (application != kLedgerApplicationId) {
    refuse(ErrorCode::parse, database.file(),
           "is another program's database: name a ledger of thresher, or move it away");
  }
  if (version != kLedgerSchemaVersion) {
    refuse(ErrorCode::unsupported, database.file(),
           fmt::format("has schema version {}, this program knows {}: use the version of thresher that wrote it",
                       version, kLedgerSchemaVersion));
  }
  std::string found = database.text("PRAGMA integrity_check(1)");
  // SQLite takes what is missing of the last page for zeros. With a log there, a page may still be on its way.
  if (size % static_cast<std::uintmax_t>(database.number("PRAGMA page_size")) != 0 &&
      !std::filesystem::exists(beside(database.file(), "-wal"))) {
    found = "its last page is cut off";
  }
  if (found != "ok") {
    refuse(ErrorCode::parse, database.file(),
           fmt::format("is damaged ({}): take it back from version control or a copy, or move it away and run the "
                       "round again",
                       found));
  }
  if (schema_of(database) != expected_schema()) {
    refuse(ErrorCode::parse, database.file(),
           "has had its tables or triggers altered, so nothing vouches for its entries: take it back from version "
           "control or a copy");
  }
}

void sync_folder_of(const Path& file) {
  const Path folder = file.has_parent_path() ? file.parent_path() : Path(".");
  const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
}

void make(const Path& file) {
  for (const char* suffix : {"-wal", "-journal"}) {
    // SQLite would play an old log into a new file.
    if (std::filesystem::exists(beside(file, suffix))) {
      refuse(ErrorCode::io, file,
             fmt::format("is missing but its log '{}' is there: put the ledger back, or delete the log too",
                         beside(file, suffix).string()));
    }
  }
  const Path fresh = beside(file, ".new");
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    std::filesystem::remove(beside(fresh, suffix));
  }
  {
    Database database(fresh, Database::Access::create);
    database.run("PRAGMA synchronous=FULL");
    database.run(fmt::format("BEGIN; {} PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;", ledger_schema(),
                             kLedgerApplicationId, kLedgerSchemaVersion));
  }
  std::filesystem::rename(fresh, file);
  sync_folder_of(file);
}

std::unique_ptr<Database> open_to_read(const Path& file) {
  try {
    auto database = std::make_unique<Database>(file, Database::Access::read);
    check(*database);
    return database;
  } catch (const Error& error) {
    // A process that died in close() leaves a journal that only a connection that may write can roll back.
    if (error.code() != ErrorCode::io || !std::filesystem::exists(beside(file, "-journal"))) {
      throw;
    }
  }
  auto database = std::make_unique<Database>(file, Database::Access::write);
  check(*database);
  database->run("PRAGMA query_only=1");
  return database;
}

std::unique_ptr<Database> open_to_append(const Path& file) {
  if (!std::filesystem::exists(file)) {
    make(file);
  }
  auto database = std::make_unique<Database>(file, Database::Access::write);
  check(*database);
  database->run("PRAGMA journal_mode=WAL");
  database->run("PRAGMA synchronous=FULL");
  return database;
}

// Back to a plain single file, waiting for readers to leave: SQLite asks for this lock once and does not wait.
void fold_log(Database& database) {
  const auto deadline = std::chrono::steady_clock::now() + kBusyWait;
  if (database.number("PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
    database.fail(SQLITE_BUSY);
  }
  while (true) {
    const int code = sqlite3_exec(database.handle(), "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK && database.text("PRAGMA journal_mode") == "delete") {
      return;
    }
    if ((code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) || std::chrono::steady_clock::now() > deadline) {
      database.fail(code == SQLITE_OK ? SQLITE_BUSY : code);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// Owns the lock file beside a ledger that is being appended to.
class WriterLock {
 public:
  explicit WriterLock(const Path& ledger) : path_(beside(ledger, ".lock")) {
    std::string holder;
    file_ = take_lock_file(path_, "writing " + ledger.string(), false, &holder);
    if (file_ < 0) {
      refuse(ErrorCode::io, ledger,
             fmt::format("is locked by another process ({}): wait until it ends, or end it", holder));
    }
  }
  ~WriterLock() { release_lock_file(file_, &path_); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  Path path_;
  int file_ = -1;
};

Event read_event(const Statement& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), Json::parse(row.text(4))};
}

}  // namespace

struct Ledger::Impl {
  Path file;
  Mode mode = Mode::read;
  std::unique_ptr<WriterLock> lock;
  std::unique_ptr<Database> database;  // after the lock: gone before it

  Database& open() const {
    if (database == nullptr) {
      refuse(ErrorCode::internal, file, "is closed already; open it again");
    }
    return *database;
  }
};

Ledger::Ledger(const std::filesystem::path& file, Mode mode) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  impl_->mode = mode;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    refuse(ErrorCode::io, file, "is a folder: name a file in it");
  }
  if (mode == Mode::read) {
    if (!std::filesystem::exists(file, ignored)) {
      refuse(ErrorCode::io, file, "does not exist: run the round first, or name another one");
    }
    impl_->database = open_to_read(file);
    return;
  }
  try {
    impl_->lock = std::make_unique<WriterLock>(file);
    impl_->database = open_to_append(file);
  } catch (const std::filesystem::filesystem_error& error) {
    refuse(ErrorCode::io, file, fmt::format("cannot be made ({}): check its folder", error.code().message()));
  }
}

Ledger::~Ledger() {
  try {
    close();
  } catch (const std::exception&) {
    // Whoever opens the ledger next folds the log.
  }
}

std::string Ledger::keep(std::string_view kind, std::string_view content) {
  Database& database = impl_->open();
  const std::string hash = content_hash(content);
  Statement known(database, "SELECT 1 FROM content WHERE hash = ?");
  if (!known.bind(hash).step()) {
    Statement insert(database, "INSERT INTO content (hash, at, kind, body) VALUES (?, ?, ?, ?)");
    insert.bind(hash).bind(device::utc_time()).bind(kind).bind_blob(content).run();
  }
  return hash;
}

std::optional<std::string> Ledger::content(std::string_view hash) const {
  Statement query(impl_->open(), "SELECT body FROM content WHERE hash = ?");
  if (!query.bind(hash).step()) {
    return std::nullopt;
  }
  return query.text(0);
}

std::vector<Content> Ledger::contents() const {
  Statement query(impl_->open(), "SELECT hash, at, kind, body FROM content ORDER BY hash");
  std::vector<Content> found;
  while (query.step()) {
    found.push_back({query.text(0), query.text(1), query.text(2), query.text(3)});
  }
  return found;
}

void Ledger::append(std::string_view kind, std::string_view subject, const Json& data) {
  const std::string text = dumped(data);
  if (const std::optional<Event> known = find(kind, subject)) {
    if (dumped(known->data) == text) {
      return;
    }
    refuse(ErrorCode::internal, impl_->file,
           fmt::format("has the event '{}' of '{}' already, with other data; please report it", kind, subject));
  }
  Statement insert(impl_->open(), "INSERT INTO event (at, kind, subject, data) VALUES (?, ?, ?, ?)");
  insert.bind(device::utc_time()).bind(kind).bind(subject).bind(text).run();
}

std::optional<Event> Ledger::find(std::string_view kind, std::string_view subject) const {
  Statement query(impl_->open(), "SELECT id, at, kind, subject, data FROM event WHERE kind = ? AND subject = ?");
  if (!query.bind(kind).bind(subject).step()) {
    return std::nullopt;
  }
  return read_event(query);
}

std::vector<Event> Ledger::events(std::string_view kind) const {
  Statement query(impl_->open(),
                  "SELECT id, at, kind, subject, data FROM event WHERE ?1 = '' OR kind = ?1 ORDER BY id");
  query.bind(kind);
  std::vector<Event> found;
  while (query.step()) {
    found.push_back(read_event(query));
  }
  return found;
}

void Ledger::append(const Sample& sample) {
  const std::string name = fmt::format("sample (race '{}', block {}, attempt {}, case '{}', position {})", sample.race,
                                       sample.block, sample.attempt, sample.case_name, sample.position);
  if (!std::isfinite(sample.seconds) || (sample.clock_mhz && !std::isfinite(*sample.clock_mhz))) {
    refuse(ErrorCode::invalid_argument, impl_->file, "keeps no number that is not finite: the " + name + " has one");
  }
  Statement insert(impl_->open(),
                   "INSERT INTO sample (race, attempt, block, case_name, position, side, content, seconds, clock_mhz) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(sample.race).bind(std::int64_t{sample.attempt}).bind(std::int64_t{sample.block}).bind(sample.case_name);
  insert.bind(std::int64_t{sample.position}).bind(sample.side).bind(std::bit_cast<std::int64_t>(sample.content));
  insert.bind(sample.seconds).bind(sample.clock_mhz);
  const int code = insert.run(SQLITE_CONSTRAINT_TRIGGER);
  if (code == SQLITE_CONSTRAINT_TRIGGER) {
    refuse(ErrorCode::internal, impl_->file, "has the " + name + " already; please report it");
  }
}

std::vector<Sample> Ledger::samples(std::string_view race) const {
  Statement query(impl_->open(),
                  "SELECT race, block, case_name, position, side, content, seconds, clock_mhz, attempt FROM sample "
                  "WHERE race = ? ORDER BY id");
  query.bind(race);
  std::vector<Sample> found;
  while (query.step()) {
    found.push_back({.race = query.text(0),
                     .block = static_cast<int>(query.integer(1)),
                     .case_name = query.text(2),
                     .position = static_cast<int>(query.integer(3)),
                     .side = query.text(4),
                     .content = std::bit_cast<std::uint64_t>(query.integer(5)),
                     .seconds = query.real(6),
                     .clock_mhz = query.maybe_real(7),
                     .attempt = static_cast<int>(query.integer(8))});
  }
  return found;
}

std::vector<std::string> Ledger::races() const {
  Statement query(impl_->open(), "SELECT race FROM sample GROUP BY race ORDER BY min(id)");
  std::vector<std::string> found;
  while (query.step()) {
    found.push_back(query.text(0));
  }
  return found;
}

std::int64_t Ledger::sample_count() const {
  return impl_->open().number("SELECT count(*) FROM sample");
}

void Ledger::close() {
  if (impl_->database == nullptr) {
    return;
  }
  if (impl_->mode == Mode::append) {
    fold_log(*impl_->database);
  }
  impl_->database.reset();
  impl_->lock.reset();
}

}  // namespace thresher::tank
