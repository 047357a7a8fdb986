// The pages of docs/cli and the options that the parser knows must tell the same.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "cli/help_text.hpp"
#include "cli/program.hpp"
#include "process.hpp"

namespace thresher::cli {
namespace {

using cli_test::run;

// Of a command and of what it has below it: `round new`, `ledger list`.
std::set<std::string> options_of(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      names.insert("--" + name);
  }
  for (const CLI::App* below : app.get_subcommands(nullptr))
    names.merge(options_of(*below));
  return names;
}

// The names at the starts of the lines of "## Options".
std::set<std::string> options_in(const std::string& page) {
  const std::size_t begin = page.find("## Options");
  const std::size_t end = page.find("\n## ", begin + 1);
  const std::string section = page.substr(begin, end - begin);
  const std::regex name(R"(\n    (?:-h, )?(--[a-z-]+))");
  std::set<std::string> names;
  for (std::sregex_iterator it(section.begin(), section.end(), name); it != std::sregex_iterator(); ++it)
    names.insert((*it)[1]);
  return names;
}

TEST(CliHelp, PagesListExactlyTheOptionsThatTheParserKnows) {
  const Program program;
  std::set<std::string> own;
  for (const CLI::Option* option : program.app().get_options())
    for (const std::string& name : option->get_lnames())
      own.insert("--" + name);
  EXPECT_EQ(options_in(std::string(help_text("thresher"))), own);
  ASSERT_EQ(program.commands().size(), 10u);
  for (const Command& command : program.commands()) {
    const std::string page(help_text(command.app->get_name()));
    ASSERT_FALSE(page.empty()) << command.app->get_name();
    EXPECT_EQ(options_in(page), options_of(*command.app)) << command.app->get_name();
  }
}

TEST(CliHelp, EachCommandPrintsItsPage) {
  const Program program;
  for (const Command& command : program.commands()) {
    const std::string name = command.app->get_name();
    const auto outcome = run(name + " --help");
    EXPECT_EQ(outcome.status, 0) << name;
    EXPECT_EQ(outcome.out, help_text(name)) << name;
    EXPECT_EQ(outcome.err, "") << name;
  }
  EXPECT_EQ(run("--help").out, help_text("thresher"));
}

TEST(CliHelp, ProgramPageNamesEveryCommand) {
  const Program program;
  const std::string page(help_text("thresher"));
  for (const Command& command : program.commands())
    EXPECT_NE(page.find("\n    " + command.app->get_name() + " "), std::string::npos) << command.app->get_name();
}

TEST(CliHelp, UnknownPageIsEmpty) {
  EXPECT_TRUE(help_text("nothing").empty());
}

}  // namespace
}  // namespace thresher::cli
