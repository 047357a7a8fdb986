// Runs the built program as a user would, in a folder of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace thresher::cli_test {

struct Outcome {
  int status = -1;  // exit status; 128 + signal when one ended it
  std::string out;
  std::string err;
};

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// An empty folder that disappears with this object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "thresher-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Runs `before program arguments` in a shell, with variables that could change the outcome taken away.
inline Outcome run(const std::string& arguments, const std::string& before = "", const std::string& after = "") {
  const Folder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const std::string command =
      "unset THRESHER_CPU_ISA THRESHER_CASES; export THRESHER_CACHE_DIR=" + (folder.path() / "cache").string() + "; " +
      before + " " + THRESHER_BINARY + " " + arguments + " >" + out + " 2>" + err + " " + after;
  const int raw = std::system(command.c_str());
  Outcome outcome;
  outcome.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  outcome.out = file_text(out);
  outcome.err = file_text(err);
  return outcome;
}

inline long lines(const std::string& text) {
  long count = 0;
  for (const char c : text)
    count += c == '\n' ? 1 : 0;
  return count;
}

}  // namespace thresher::cli_test
