// A machine whose truth is known: races with the drifts, correlations and outliers that real ones have, from a seed.
#pragma once

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "format/random.hpp"
#include "measure/paired.hpp"

namespace thresher::measure {

/// Noise of log times. A time is one sample; a block of one case takes four.
struct MachineNoise {
  double sample_sd = 0.01;           // independent, normal
  double drift_per_sample = 0.0;     // linear
  double wave = 0.0;                 // amplitude of a sinusoid, a clock that oscillates
  double wave_samples = 37.0;        // its period
  double walk_sd = 0.0;              // AR(1): stationary deviation
  double walk_correlation = 0.9;     // of neighbouring samples
  double outlier_probability = 0.0;  // a sample that was interrupted
  double outlier_mean = 0.0;         // exponential, always slower
};

/// 1 % of noise and nothing else.
inline MachineNoise calm_machine() {
  return {};
}

/// Everything at once: 1 % of noise, 12 % of drift over 1000 samples, a wave, a walk, and 2 % of interrupted samples.
inline MachineNoise restless_machine() {
  return {.sample_sd = 0.01,
          .drift_per_sample = 1.2e-4,
          .wave = 0.02,
          .walk_sd = 0.01,
          .walk_correlation = 0.9,
          .outlier_probability = 0.02,
          .outlier_mean = 0.10};
}

class SyntheticMachine {
 public:
  SyntheticMachine(std::uint64_t seed, const MachineNoise& noise) : random_(seed), noise_(noise) {
    walk_ = noise_.walk_sd * random_.normal();
  }

  /// One block: a log-ratio a case, whose candidate is faster by `log_gains` on the log scale.
  std::vector<double> block(const std::vector<double>& log_gains) {
    std::vector<double> ratios;
    for (const double gain : log_gains) {
      const bool incumbent_outside = random_.below(2) == 0;
      BlockTimes times;
      for (int slot = 0; slot < 4; ++slot) {
        const bool outside = slot == 0 || slot == 3;
        if (outside == incumbent_outside) {
          times.incumbent.push_back(1e-3 * std::exp(next_noise()));
        } else {
          times.candidate.push_back(1e-3 * std::exp(next_noise() - gain));
        }
      }
      ratios.push_back(log_ratio(times));
    }
    return ratios;
  }

  RaceData race(int blocks, const std::vector<double>& log_gains) {
    RaceData data;
    data.cases.resize(log_gains.size());
    for (std::size_t c = 0; c < log_gains.size(); ++c) {
      data.cases[c].name = "case-" + std::to_string(c);
    }
    for (int i = 0; i < blocks; ++i) {
      const std::vector<double> ratios = block(log_gains);
      for (std::size_t c = 0; c < ratios.size(); ++c) {
        data.cases[c].log_ratios.push_back(ratios[c]);
      }
    }
    return data;
  }

 private:
  double next_noise() {
    const double rho = noise_.walk_correlation;
    walk_ = rho * walk_ + std::sqrt(1.0 - rho * rho) * noise_.walk_sd * random_.normal();
    double noise = noise_.sample_sd * random_.normal() + walk_ + noise_.drift_per_sample * samples_ +
                   noise_.wave * std::sin(2.0 * std::numbers::pi * samples_ / noise_.wave_samples);
    if (random_.uniform() < static_cast<float>(noise_.outlier_probability)) {
      noise -= noise_.outlier_mean * std::log1p(-static_cast<double>(random_.uniform()));
    }
    samples_ += 1.0;
    return noise;
  }

  Random random_;
  MachineNoise noise_;
  double walk_ = 0.0;
  double samples_ = 0.0;
};

}  // namespace thresher::measure
