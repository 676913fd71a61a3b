#include "signature.h"

#include <stdlib.h>

namespace tilegrad {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool inBrackets = false;
  for (const char c : text) {
    if (c == '[') inBrackets = true;
    if (c == ']') inBrackets = false;
    if (c == ' ' && !inBrackets) {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

int indexOf(const Signature& signature, const std::string& name, NumberKind kind) {
  for (size_t i = 0; i < signature.numbers.size(); ++i) {
    const SignatureNumber& number = signature.numbers[i];
    if (number.name == name && number.kind == kind) return static_cast<int>(i);
  }
  return -1;
}

std::string parseNumbers(const std::string& text, Signature* signature) {
  size_t group = 0;  // first number without a kind yet
  for (const std::string& word : split(text)) {
    NumberKind kind;
    if (word == "size") {
      kind = NumberKind::size;
    } else if (word == "stride") {
      kind = NumberKind::stride;
    } else if (word == "int") {
      kind = NumberKind::integer;
    } else if (word == "real") {
      kind = NumberKind::real;
    } else {
      signature->numbers.push_back({word, NumberKind::integer});
      continue;
    }
    for (; group < signature->numbers.size(); ++group) signature->numbers[group].kind = kind;
  }
  if (group != signature->numbers.size()) return "numbers without a kind";
  if (signature->numbers.size() > static_cast<size_t>(kMaxNumbers)) return "too many numbers";
  return "";
}

std::string parseDim(const std::string& word, const Signature& signature, SignatureDim* dim) {
  const size_t star = word.find('*');
  const std::string size = word.substr(0, star);
  *dim = {-1, 0, -1};
  if (size[0] >= '0' && size[0] <= '9') {
    dim->literal = atoll(size.c_str());
  } else {
    dim->size = indexOf(signature, size, NumberKind::size);
    if (dim->size < 0) return "no size named " + size;
  }
  if (star != std::string::npos) {
    dim->stride = indexOf(signature, word.substr(star + 1), NumberKind::stride);
    if (dim->stride < 0) return "no stride named " + word.substr(star + 1);
  }
  return "";
}

std::string parseType(const std::string& text, SignatureOperand* operand) {
  constexpr uint32_t kFloats = typeBit(DType::float32) | typeBit(DType::float64);
  constexpr uint32_t kIntegers =
      typeBit(DType::int32) | typeBit(DType::int64) | typeBit(DType::int8) | typeBit(DType::uint8);
  constexpr uint32_t kAny =
      kFloats | kIntegers | typeBit(DType::bfloat16) | typeBit(DType::float16);
  static const struct {
    const char* name;
    uint32_t types;
    bool shared;
  } kTypes[] = {{"T", kFloats, true},
                {"I", kIntegers, true},
                {"N", kFloats | kIntegers, true},
                {"E", kAny, true},
                {"A", kAny, false},
                {"F", typeBit(DType::float32) | typeBit(DType::bfloat16), false},
                {"f32", typeBit(DType::float32), false},
                {"f64", typeBit(DType::float64), false},
                {"i32", typeBit(DType::int32), false},
                {"i64", typeBit(DType::int64), false},
                {"u8", typeBit(DType::uint8), false},
                {"u32", typeBit(DType::uint32), false},
                {"i8", typeBit(DType::int8), false}};
  for (const auto& known : kTypes) {
    if (text != known.name) continue;
    operand->types = known.types;
    operand->shared = known.shared;
    return "";
  }
  return "no type " + text;
}

std::string parseOperand(const std::string& role, const std::string& name, const std::string& type,
                         Signature* signature) {
  SignatureOperand operand;
  operand.name = name;
  if (role == "in") {
    operand.role = Role::in;
  } else if (role == "out") {
    operand.role = Role::out;
  } else if (role == "inout") {
    operand.role = Role::inout;
  } else if (role == "opt") {
    operand.role = Role::in;
    operand.optional = true;
  } else if (role == "optout") {
    operand.role = Role::out;
    operand.optional = true;
  } else {
    return "no role " + role;
  }
  const size_t open = type.find('[');
  if (open == std::string::npos || type.back() != ']') return name + " has no [dims]";
  std::string problem = parseType(type.substr(0, open), &operand);
  const std::string dims = type.substr(open + 1, type.size() - open - 2);
  operand.geometry = dims == "@";
  if (operand.geometry) {
    signature->geometry = true;
  } else {
    for (const std::string& word : split(dims)) {
      SignatureDim dim;
      if (problem.empty()) problem = parseDim(word, *signature, &dim);
      operand.dims.push_back(dim);
    }
  }
  signature->operands.push_back(operand);
  return problem;
}

}  // namespace

std::string parseSignature(const char* text, Signature* signature) {
  *signature = Signature();
  const std::string whole = text;
  const size_t semicolon = whole.find(';');
  if (semicolon != std::string::npos) {
    // Numbers first: the operands' dims refer to them.
    std::string problem = parseNumbers(whole.substr(semicolon + 1), signature);
    if (!problem.empty()) return problem;
  }
  const std::vector<std::string> words = split(whole.substr(0, semicolon));
  if (words.size() % 3 != 0) return "an operand is not: role name type[dims]";
  for (size_t i = 0; i < words.size(); i += 3) {
    std::string problem = parseOperand(words[i], words[i + 1], words[i + 2], signature);
    if (!problem.empty()) return problem;
  }
  if (signature->operands.size() > static_cast<size_t>(kMaxOperands)) return "too many operands";
  return "";
}

}  // namespace tilegrad
