"""Compares the casts and the quantiser of src/format with ml_dtypes and numpy, which share no code with them.

usage: oracle_test.py PATH_OF_ORACLE_TOOL      exit 0 agreed, 1 disagreed, 77 skipped (ml_dtypes is missing)
"""

import subprocess
import sys

try:
    import ml_dtypes
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}. Install numpy and ml_dtypes into the Python that runs this, e.g. with "
          "`python3 -m venv .venv && .venv/bin/pip install numpy ml_dtypes`")
    sys.exit(77)

# format: (type, code type, number of codes, whether ours saturates instead of overflowing)
FORMATS = {
    "e2m1": (ml_dtypes.float4_e2m1fn, np.uint8, 16, True),
    "e4m3": (ml_dtypes.float8_e4m3fn, np.uint8, 256, True),
    "fp16": (np.float16, np.uint16, 65536, False),
    "bf16": (ml_dtypes.bfloat16, np.uint16, 65536, False),
}
failures = 0


def check(name, good, detail=""):
    global failures
    print(f"{'ok  ' if good else 'FAIL'} {name}{'' if good else ': ' + detail}")
    failures += 0 if good else 1


def tool(verb, what, values):
    run = subprocess.run([sys.argv[1], verb, what], input=values.tobytes(), capture_output=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"oracle_tool {verb} {what} failed: {run.stderr.decode()}")
    return run.stdout


def all_values(name):
    """Every code and its value by ml_dtypes, in float32."""
    dtype, code_type, count, _ = FORMATS[name]
    codes = np.arange(count).astype(code_type)
    return codes, codes.view(dtype).astype(np.float32)


def first_difference(x, got, want):
    at = np.flatnonzero(got != want)
    return "" if at.size == 0 else f"{at.size} differ, first x={x[at[0]]!r}: got {got[at[0]]}, want {want[at[0]]}"


def check_decode(name):
    codes, want = all_values(name)
    got = np.frombuffer(tool("decode", name, codes), np.float32)
    same = (got.view(np.uint32) == want.view(np.uint32)) | (np.isnan(got) & np.isnan(want))
    check(f"decode {name}: all {codes.size} codes", bool(same.all()), f"codes {codes[~same][:5]}")


def hard_inputs(name, rng):
    """Values, midpoints and one ulp to either side, subnormals, random magnitudes, and beyond both ends."""
    _, values = all_values(name)
    finite = np.unique(values[np.isfinite(values)]).astype(np.float64)
    middles = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    exact = np.concatenate([values[np.isfinite(values)], middles])
    around = [exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf))]
    largest = finite[-1]
    spread = rng.standard_normal(200000) * np.exp2(rng.uniform(np.log2(finite[finite > 0][0]) - 4,
                                                               np.log2(largest) + 3, 200000))
    bits = rng.integers(0, 2**32, 200000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    ends = np.float32([0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38])
    with np.errstate(over="ignore"):
        out = np.concatenate([*around, spread.astype(np.float32), bits, ends])
    return out[np.isfinite(out)]


def check_encode(name, rng):
    dtype, code_type, _, saturates = FORMATS[name]
    x = hard_inputs(name, rng)
    # ml_dtypes turns what overflows E4M3 into NaN; ours saturates, as a quantiser must. Clipping first makes them one.
    _, values = all_values(name)
    largest = np.nanmax(np.where(np.isfinite(values), values, np.nan))
    with np.errstate(over="ignore"):
        want = (np.clip(x, -largest, largest) if saturates else x).astype(dtype).view(code_type)
    got = np.frombuffer(tool("encode", name, x), code_type)
    check(f"encode {name}: {x.size} values", np.array_equal(got, want), first_difference(x, got, want))


def check_special(name):
    dtype, code_type, _, saturates = FORMATS[name]
    x = np.float32([np.inf, -np.inf, np.nan])
    got = np.frombuffer(tool("encode", name, x), code_type)
    values = got.view(dtype).astype(np.float32)
    if saturates:
        largest = 6.0 if name == "e2m1" else 448.0
        check(f"encode {name}: infinities saturate", values[0] == largest and values[1] == -largest, str(values))
        nan_code = 7 if name == "e2m1" else 0x7F
        check(f"encode {name}: NaN gives {nan_code:#x}", got[2] == nan_code, str(got[2]))
    else:
        check(f"encode {name}: infinities stay", values[0] == np.inf and values[1] == -np.inf, str(values))
        check(f"encode {name}: NaN stays", bool(np.isnan(values[2])), str(values[2]))


def quantize_oracle(x, k):
    """The formula of the design in numpy float32, casts by ml_dtypes."""
    f = np.float32
    blocks = x.reshape(-1, 16)
    amax = f(np.max(np.abs(x), initial=0))
    s_g = f(amax / f(6 * 448))
    if s_g == 0:
        s_g = f(1)
    block_amax = np.abs(blocks).max(axis=1, initial=0)
    s_b = np.minimum(block_amax / f(6) / s_g, f(448)).astype(ml_dtypes.float8_e4m3fn)
    step = s_b.astype(f) * s_g
    safe = np.where(step == 0, f(1), step)
    q = np.clip(blocks / safe[:, None], f(-6), f(6)).astype(ml_dtypes.float4_e2m1fn).view(np.uint8) & 15
    q[step == 0] = 0
    return s_g, s_b.view(np.uint8), (q[:, 0::2] | (q[:, 1::2] << 4)).reshape(-1, k // 2)


def check_quantize(label, x, k):
    raw = tool("quantize", str(k), x)
    blocks = x.size // 16
    s_g = np.frombuffer(raw[:4], np.float32)[0]
    scales = np.frombuffer(raw[4:4 + blocks], np.uint8)
    codes = np.frombuffer(raw[4 + blocks:], np.uint8).reshape(-1, k // 2)
    want_g, want_scales, want_codes = quantize_oracle(x, k)
    check(f"quantize {label}: global scale", s_g == want_g, f"got {s_g}, want {want_g}")
    check(f"quantize {label}: scales", np.array_equal(scales, want_scales),
          f"{np.count_nonzero(scales != want_scales)} differ")
    check(f"quantize {label}: codes", np.array_equal(codes, want_codes),
          f"{np.count_nonzero(codes != want_codes)} bytes differ")


def quantize_cases(rng):
    normal = rng.standard_normal((64, 256)).astype(np.float32)
    yield "normal", normal, 256
    zero_blocks = normal.copy()
    zero_blocks[::3, 16:48] = 0
    zero_blocks[1, 64:80] = -0.0
    yield "zero blocks", zero_blocks, 256
    yield "a zero matrix", np.zeros((4, 32), np.float32), 32
    yield "an empty matrix", np.zeros((0, 32), np.float32), 32
    wide = (normal * np.exp2(rng.integers(-24, 3, (64, 256)))).astype(np.float32)
    wide[:, :128] *= np.exp2(rng.integers(-20, 1, (64, 8))).repeat(16, axis=1).astype(np.float32)
    yield "scales that are subnormal or round to zero", wide, 256
    ties = rng.choice(np.float32([0, .25, .75, 1.25, 1.75, 2.5, 3.5, 5, 6]), (64, 256)) * rng.choice([-1, 1], (64, 256))
    ties[:, ::16] = 6
    ties[0, 0] = 6 * 448
    yield "ties", ties.astype(np.float32), 256
    yield "tiny numbers", (normal * np.float32(1e-36)).astype(np.float32), 256
    yield "large numbers", (normal * np.float32(1e37)).astype(np.float32), 256
    yield "one block", normal[:1, :16].copy(), 16


def main():
    rng = np.random.default_rng(20)
    for name in FORMATS:
        check_decode(name)
        check_encode(name, rng)
        check_special(name)
    for label, x, k in quantize_cases(rng):
        check_quantize(label, x, k)
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: oracle_test.py PATH_OF_ORACLE_TOOL")
    sys.exit(main())
