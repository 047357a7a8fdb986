// thresher tune: what it refuses before it measures.
#include <gtest/gtest.h>

#include "process.hpp"

namespace thresher::cli {
namespace {

using cli_test::Folder;
using cli_test::run;

TEST(CliTune, WrongUseIsExitStatusTwo) {
  EXPECT_EQ(run("tune").status, 2);
  EXPECT_EQ(run("tune --case g2-k1536 --case g2-k1536").status, 2);
  EXPECT_EQ(run("tune --case g2-k1536 --budget never").status, 2);
  const auto classes = run("tune --case g2-k1536 --case decode-g8-m4");
  EXPECT_EQ(classes.status, 2);
  EXPECT_NE(classes.err.find("decode-g8-m4"), std::string::npos) << classes.err;
}

TEST(CliTune, SaysInOneLineWhatIsWrong) {
  const auto unknown = run("tune --case g2-k1535");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_EQ(cli_test::lines(unknown.err), 1) << unknown.err;
  EXPECT_NE(unknown.err.find("g2-k1535"), std::string::npos) << unknown.err;
}

}  // namespace
}  // namespace thresher::cli
