// Reads the ELF headers of a cubin.
#include "gpu/cubin_image.hpp"

#include <elf.h>

#include <cstdint>
#include <cstring>

namespace thresher::gpu {
namespace {

// e_machine of CUDA, which older versions of elf.h do not know.
constexpr std::uint16_t kMachineCuda = 190;

// Nothing when [offset, offset + count * size) leaves the file.
bool inside(std::string_view bytes, std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
  if (offset > bytes.size()) return false;
  return size == 0 || count <= (bytes.size() - offset) / size;
}

template <typename Header>
Header header_at(std::string_view bytes, std::uint64_t offset) {
  Header header;
  std::memcpy(&header, bytes.data() + offset, sizeof(header));
  return header;
}

std::string cut_off(std::string_view bytes, const char* part) {
  return "it is cut off: " + std::to_string(bytes.size()) + " bytes do not hold its " + part;
}

}  // namespace

std::optional<std::string> why_no_cubin(std::string_view bytes) {
  if (bytes.size() < sizeof(Elf64_Ehdr)) {
    return "it is too short for a cubin: " + std::to_string(bytes.size()) + " bytes";
  }
  const auto elf = header_at<Elf64_Ehdr>(bytes, 0);
  if (std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64) {
    return "it is not a 64-bit ELF file";
  }
  if (elf.e_machine != kMachineCuda) {
    return "it is an ELF file for machine " + std::to_string(elf.e_machine) + ", not for CUDA (190)";
  }
  if (elf.e_shnum == 0 || elf.e_shentsize != sizeof(Elf64_Shdr)) return "it has no section headers";
  if (elf.e_phnum != 0 && elf.e_phentsize != sizeof(Elf64_Phdr)) return "its program headers have a wrong size";
  if (!inside(bytes, elf.e_shoff, elf.e_shnum, sizeof(Elf64_Shdr))) return cut_off(bytes, "section headers");
  if (!inside(bytes, elf.e_phoff, elf.e_phnum, sizeof(Elf64_Phdr))) return cut_off(bytes, "program headers");
  for (std::uint64_t i = 0; i < elf.e_shnum; ++i) {
    const auto section = header_at<Elf64_Shdr>(bytes, elf.e_shoff + i * sizeof(Elf64_Shdr));
    // Sections without bits (shared memory, say) have a size that the file does not hold.
    if (section.sh_type != SHT_NOBITS && !inside(bytes, section.sh_offset, section.sh_size, 1)) {
      return cut_off(bytes, "sections");
    }
  }
  for (std::uint64_t i = 0; i < elf.e_phnum; ++i) {
    const auto segment = header_at<Elf64_Phdr>(bytes, elf.e_phoff + i * sizeof(Elf64_Phdr));
    if (!inside(bytes, segment.p_offset, segment.p_filesz, 1)) return cut_off(bytes, "segments");
  }
  return std::nullopt;
}

}  // namespace thresher::gpu
