// The format of an entry, and the folder of entries.
#include "gpu/cubin_cache.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "device/files.hpp"
#include "gpu/hash64.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "thresher-cubin 1\n";
constexpr std::string_view kSuffix = ".cubin";

std::string fingerprint(const CubinKey& key) {
  const std::string whole = key.compiler + "\n" + key.text;
  return std::to_string(whole.size()) + " " + hex64(fnv1a64(whole)) + " " + hex64(mix64(whole));
}

std::string file_name(std::string_view key_text, const std::string& compiler) {
  return hex64(fnv1a64(key_text)) + "-" + compiler + std::string(kSuffix);
}

std::string to_bytes(const CubinKey& key, const CachedCubin& entry) {
  std::string body = "key " + fingerprint(key) + "\nkernel " + entry.kernel + "\narch " + entry.arch + "\ncompiler " +
                     key.compiler + "\nlog " + std::to_string(entry.log.size()) + "\ncubin " +
                     std::to_string(entry.cubin.size()) + "\n";
  body += entry.log;
  body += entry.cubin;
  return std::string(kMagic) + "checksum " + hex64(mix64(body)) + "\n" + body;
}

// Takes "name value\n" off the front.
std::optional<std::string> take_line(std::string_view& bytes, std::string_view name) {
  if (!bytes.starts_with(name) || bytes.size() <= name.size() || bytes[name.size()] != ' ') return std::nullopt;
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string value(bytes.substr(name.size() + 1, end - name.size() - 1));
  bytes.remove_prefix(end + 1);
  return value;
}

std::optional<std::size_t> take_size(std::string_view& bytes, std::string_view name) {
  const std::optional<std::string> text = take_line(bytes, name);
  if (!text) return std::nullopt;
  std::size_t value = 0;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool whole = result.ec == std::errc() && result.ptr == text->data() + text->size();
  return whole ? std::optional(value) : std::nullopt;
}

struct Parsed {
  CachedCubin entry;
  std::string fingerprint;
  std::string compiler;
};

// Nothing when the bytes are not a whole entry; `problem` says why.
std::optional<Parsed> parse(std::string_view bytes, std::string& problem) {
  if (!bytes.starts_with(kMagic)) {
    problem = "it is no entry of this version";
    return std::nullopt;
  }
  bytes.remove_prefix(kMagic.size());
  const std::optional<std::string> checksum = take_line(bytes, "checksum");
  if (!checksum || *checksum != hex64(mix64(bytes))) {
    problem = "it is cut off or changed: its checksum does not match";
    return std::nullopt;
  }
  const auto key = take_line(bytes, "key");
  const auto kernel = take_line(bytes, "kernel");
  const auto arch = take_line(bytes, "arch");
  const auto compiler = take_line(bytes, "compiler");
  const auto log = take_size(bytes, "log");
  const auto cubin = take_size(bytes, "cubin");
  if (!key || !kernel || !arch || !compiler || !log || !cubin || *log > bytes.size() || *cubin != bytes.size() - *log) {
    problem = "its header does not match its content";
    return std::nullopt;
  }
  return Parsed{.entry = {.kernel = *kernel,
                          .arch = *arch,
                          .log = std::string(bytes.substr(0, *log)),
                          .cubin = std::string(bytes.substr(*log))},
                .fingerprint = *key,
                .compiler = *compiler};
}

std::optional<Parsed> read(const fs::path& file, std::string& problem) {
  try {
    return parse(device::read_whole_file(file), problem);
  } catch (const Error& error) {
    problem = error.what();
    return std::nullopt;
  }
}

// Entries end in .cubin; a writer that was killed leaves ".cubin.XXXXXX".
bool is_entry(const fs::path& file) {
  return file.extension() == kSuffix;
}
bool is_left_over(const fs::path& file) {
  return is_entry(file.stem()) && file.extension().string().size() == 7;
}

template <typename Choose>
std::vector<fs::path> files_in(const fs::path& folder, const Choose& choose) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (choose(entry->path())) files.push_back(entry->path());
  }
  if (error) {
    throw Error(ErrorCode::io, "cannot read the cache folder '" + folder.string() + "': " + error.message() +
                                   "; THRESHER_CACHE_DIR names another");
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "nvrtc-12.9" before "nvrtc-13.0" before "nvrtc-13.10".
bool is_older(const std::string& a, const std::string& b) {
  const auto number = [](const std::string& text, std::size_t from) {
    int value = 0;
    if (from < text.size()) std::from_chars(text.data() + from, text.data() + text.size(), value);
    return value;
  };
  const auto version = [&number](const std::string& text) {
    const std::size_t major = text.find_first_of("0123456789");
    const std::size_t dot = text.find('.', major == std::string::npos ? text.size() : major);
    return std::pair(number(text, major), dot == std::string::npos ? 0 : number(text, dot + 1));
  };
  return version(a) < version(b);
}

}  // namespace

std::optional<CubinCache> CubinCache::of(const device::Environment& environment) {
  if (!environment.cache_dir) return std::nullopt;
  return CubinCache(fs::path(*environment.cache_dir) / "cubin");
}

CubinLookup CubinCache::find(const CubinKey& key) const {
  CubinLookup lookup;
  const fs::path file = folder_ / file_name(key.text, key.compiler);
  std::error_code error;
  if (!fs::exists(file, error) && !error) return lookup;
  std::string problem;
  std::optional<Parsed> parsed = read(file, problem);
  if (parsed && parsed->fingerprint != fingerprint(key)) {
    parsed.reset();
    problem = "it belongs to another kernel whose name collides";
  }
  if (parsed) {
    lookup.entry = std::move(parsed->entry);
    lookup.compiler = key.compiler;
  } else {
    lookup.problem = "the cached kernel '" + file.string() + "' is not used: " + problem;
  }
  return lookup;
}

CubinLookup CubinCache::find_of_any_compiler(std::string_view key_text) const {
  const std::string prefix = hex64(fnv1a64(key_text)) + "-";
  std::vector<std::string> compilers;
  CubinLookup last;
  try {
    for (const fs::path& file : files_in(folder_, is_entry)) {
      const std::string stem = file.stem().string();
      if (stem.starts_with(prefix)) compilers.push_back(stem.substr(prefix.size()));
    }
  } catch (const Error& error) {
    last.problem = error.what();
    return last;
  }
  std::sort(compilers.begin(), compilers.end(), [](const auto& a, const auto& b) { return is_older(b, a); });
  for (const std::string& compiler : compilers) {
    last = find({.text = std::string(key_text), .compiler = compiler});
    if (last.entry) return last;
  }
  return last;
}

std::string CubinCache::store(const CubinKey& key, const CachedCubin& entry) const {
  try {
    device::write_whole_file(folder_ / file_name(key.text, key.compiler), to_bytes(key, entry));
    return {};
  } catch (const Error& error) {
    return "the compiled kernel is not kept for the next time: " + std::string(error.what());
  }
}

std::vector<CacheEntry> CubinCache::list() const {
  std::vector<CacheEntry> entries;
  for (const fs::path& file : files_in(folder_, is_entry)) {
    CacheEntry& entry = entries.emplace_back();
    entry.file = file;
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(file, error);
    entry.bytes = error ? 0 : bytes;
    if (const std::optional<Parsed> parsed = read(file, entry.problem)) {
      entry.kernel = parsed->entry.kernel;
      entry.arch = parsed->entry.arch;
      entry.compiler = parsed->compiler;
    }
  }
  return entries;
}

std::uintmax_t CubinCache::bytes() const {
  std::uintmax_t sum = 0;
  for (const fs::path& file : files_in(folder_, is_entry)) {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(file, error);
    if (!error) sum += bytes;
  }
  return sum;
}

CacheCleared CubinCache::clear() const {
  CacheCleared cleared;
  for (const fs::path& file :
       files_in(folder_, [](const auto& path) { return is_entry(path) || is_left_over(path); })) {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(file, error);
    // Another process may have removed it: then there is nothing left to do.
    const bool removed = fs::remove(file, error);
    if (error) throw Error(ErrorCode::io, "cannot remove '" + file.string() + "': " + error.message());
    if (!removed) continue;
    ++cleared.files;
    cleared.bytes += bytes;
  }
  return cleared;
}

}  // namespace thresher::gpu
