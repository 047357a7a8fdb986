// A test that fails on purpose, so that CTest can show that a failing test fails the run.
#include <gtest/gtest.h>

namespace {

TEST(Planted, DISABLED_Failure) {
  FAIL() << "planted: a failing test must fail its process";
}

TEST(Planted, Success) {
  SUCCEED();
}

}  // namespace
