#include "trampoline.h"

namespace tilegrad {
namespace {

// Whole numbers beyond 2^53 are not exact in a double and no array is that long.
constexpr double kMaxWhole = 9007199254740992.0;

bool toWhole(double x, int64_t* whole) {
  if (!(x >= -kMaxWhole && x <= kMaxWhole)) return false;  // also NaN
  *whole = static_cast<int64_t>(x);
  return static_cast<double>(*whole) == x;
}

// Reads one call's arguments. Every method returns false with the problem in `message`.
class Reader {
 public:
  Reader(napi_env env, const double* params, const BoundRow& bound, Command* command)
      : env_(env),
        params_(params),
        bound_(bound),
        signature_(bound.signature),
        command_(*command) {}

  bool read(const napi_value* argv, size_t argc) {
    return readNumbers() && readOperands(argv, argc) && checkSizesMove() && checkRow();
  }

  const std::string& message() const { return message_; }
  const ArrayView* views() const { return views_; }

 private:
  bool fail(const std::string& what) {
    message_ = std::string("[") + bound_.row->name + "] " + what;
    return false;
  }

  double param(int index) const { return params_[index]; }

  bool readNumbers() {
    int at = 0;
    for (size_t k = 0; k < signature_.operands.size(); ++k, ++at) {
      if (!toWhole(param(at), &offset_[k]) || offset_[k] < 0) {
        return fail("the offset of " + signature_.operands[k].name + " is not a whole number >= 0");
      }
    }
    for (size_t i = 0; i < signature_.numbers.size(); ++i, ++at) {
      const SignatureNumber& number = signature_.numbers[i];
      const double value = param(at);
      if (number.kind == NumberKind::real) {
        command_.number[i].f = value;
        continue;
      }
      int64_t& whole = command_.number[i].i;
      if (!toWhole(value, &whole)) return fail(number.name + " is not a whole number");
      if (number.kind == NumberKind::size && whole < 0) return fail(number.name + " is negative");
      moves_[i] = number.kind != NumberKind::size || whole <= 1;
    }
    return !signature_.geometry || readGeometry(at);
  }

  bool readGeometry(int at) {
    Geometry& g = command_.geometry;
    int64_t rank;
    if (!toWhole(param(at++), &rank) || rank < 0 || rank > kMaxRank) {
      return fail("the rank is not 0 to 8");
    }
    g.rank = static_cast<int32_t>(rank);
    for (int d = 0; d < g.rank; ++d, ++at) {
      if (!toWhole(param(at), &g.shape[d]) || g.shape[d] < 0) {
        return fail("a dimension is not a whole number >= 0");
      }
      dimMoves_[d] = g.shape[d] <= 1;
    }
    for (size_t k = 0; k < signature_.operands.size(); ++k) {
      if (!signature_.operands[k].geometry) continue;
      for (int d = 0; d < g.rank; ++d, ++at) {
        if (!toWhole(param(at), &g.stride[k][d])) return fail("a stride is not a whole number");
        if (g.stride[k][d] != 0) dimMoves_[d] = true;
      }
    }
    return true;
  }

  bool readOperands(const napi_value* argv, size_t argc) {
    const size_t count = signature_.operands.size();
    const bool shares = argc < count;
    int64_t which = 0;
    ArrayView arrays[kMaxOperands];
    if (shares) {
      if (!toWhole(param(kWhich), &which) || which < 0) return fail("no arrays are named");
      for (size_t i = 0; i < argc; ++i) {
        if (!readArray(argv[i], "an array", &arrays[i])) return false;
      }
    } else if (argc > count) {
      return fail("takes " + std::to_string(count) + " arrays, not " + std::to_string(argc));
    }
    bool sharedKnown = false;
    DType shared = DType::float32;
    for (size_t k = 0; k < count; ++k) {
      const SignatureOperand& operand = signature_.operands[k];
      ArrayView& view = views_[k];
      const size_t from = static_cast<size_t>(which >> (k * kWhichBits)) & kAbsent;
      if (operand.optional && (shares ? from == kAbsent : isNull(argv[k]))) {
        command_.data[k] = view.data = nullptr;
        continue;
      }
      if (!shares) {
        if (!readArray(argv[k], operand.name.c_str(), &view)) return false;
      } else if (from < argc) {
        view = arrays[from];
      } else {
        return fail(operand.name + " lies in none of the arrays");
      }
      if (!takes(operand, view.type, &sharedKnown, &shared) || !place(k)) return false;
    }
    return true;
  }

  // Asked first of an optional operand: reading an array from null takes longer.
  bool isNull(napi_value value) const {
    napi_valuetype kind = napi_undefined;
    return napi_typeof(env_, value, &kind) == napi_ok && kind == napi_null;
  }

  bool readArray(napi_value value, const char* name, ArrayView* view) {
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env_, value, &type, &view->length, &view->data, nullptr,
                                 nullptr) != napi_ok) {
      return fail(std::string(name) + " is not a typed array");
    }
    if (!toDType(type, &view->type))
      return fail(std::string(name) + " has a type that no row takes");
    view->value = value;
    return true;
  }

  // Whether an operand may have the type, also as one of those that share theirs.
  bool takes(const SignatureOperand& operand, DType type, bool* sharedKnown, DType* shared) {
    if (!(operand.types & typeBit(type))) {
      return fail(operand.name + " has an element type that the operation doesn't take");
    }
    if (!operand.shared) return true;
    if (*sharedKnown && type != *shared) {
      return fail(operand.name + " differs in type from the operands before it");
    }
    *sharedKnown = true;
    *shared = type;
    return true;
  }

  static bool toDType(napi_typedarray_type type, DType* out) {
    switch (type) {
      case napi_float32_array:
        *out = DType::float32;
        return true;
      case napi_float64_array:
        *out = DType::float64;
        return true;
      case napi_int32_array:
        *out = DType::int32;
        return true;
      case napi_bigint64_array:
        *out = DType::int64;
        return true;
      case napi_uint16_array:
        *out = DType::bfloat16;
        return true;
      case napi_int16_array:  // not every Node has a Float16Array
        *out = DType::float16;
        return true;
      case napi_uint32_array:
        *out = DType::uint32;
        return true;
      case napi_int8_array:
        *out = DType::int8;
        return true;
      case napi_uint8_array:
      case napi_uint8_clamped_array:
        *out = DType::uint8;
        return true;
      default:
        return false;
    }
  }

  // Sets operand k's pointer after comparing the elements it can reach with its array's length.
  bool place(size_t k) {
    const SignatureOperand& operand = signature_.operands[k];
    const ArrayView& view = views_[k];
    // Contributions of single dimensions are bounded first, so that sums can't overflow.
    int64_t low = offset_[k], high = offset_[k];
    bool empty = false, huge = false;
    const auto reach = [&](int64_t size, int64_t stride) {
      if (size == 0) {
        empty = true;
        return;
      }
      const double span = static_cast<double>(size - 1) * static_cast<double>(stride);
      if (span > kMaxWhole || span < -kMaxWhole) {
        huge = true;
      } else {
        (span > 0 ? high : low) += static_cast<int64_t>(span);
      }
    };
    if (operand.geometry) {
      const Geometry& g = command_.geometry;
      for (int d = 0; d < g.rank; ++d) reach(g.shape[d], g.stride[k][d]);
    } else {
      int64_t contiguous = 1;
      for (size_t i = operand.dims.size(); i-- > 0;) {
        const SignatureDim& dim = operand.dims[i];
        const int64_t size = dim.size < 0 ? dim.literal : command_.number[dim.size].i;
        const int64_t stride = dim.stride < 0 ? contiguous : command_.number[dim.stride].i;
        reach(size, stride);
        if (stride != 0 && dim.size >= 0) moves_[dim.size] = true;
        if (dim.stride < 0) {
          const double product = static_cast<double>(contiguous) * static_cast<double>(size);
          if (product > kMaxWhole) {
            huge = true;
          } else {
            contiguous *= size;
          }
        }
      }
    }
    if (empty) {
      command_.data[k] = view.data;
      command_.type[k] = view.type;
      return true;
    }
    const int64_t length = static_cast<int64_t>(view.length);
    if (huge || low < 0 || high >= length) {
      if (view.length == 0) return fail(operand.name + " is empty or detached");
      return fail(operand.name + " reaches from " + std::to_string(low) + " to " +
                  (huge ? "infinity" : std::to_string(high)) + " in an array of " +
                  std::to_string(length) + " elements");
    }
    command_.data[k] = static_cast<char*>(view.data) + offset_[k] * sizeOf(view.type);
    command_.type[k] = view.type;
    return true;
  }

  bool checkSizesMove() {
    for (size_t i = 0; i < signature_.numbers.size(); ++i) {
      if (signature_.numbers[i].kind == NumberKind::size && !moves_[i]) {
        return fail(signature_.numbers[i].name + " moves no operand");
      }
    }
    if (!signature_.geometry) return true;
    for (int d = 0; d < command_.geometry.rank; ++d) {
      if (!dimMoves_[d]) return fail("dimension " + std::to_string(d) + " moves no operand");
    }
    return true;
  }

  bool checkRow() {
    if (!bound_.row->check) return true;
    const char* problem = bound_.row->check(command_);
    return problem ? fail(problem) : true;
  }

  napi_env env_;
  const double* params_;
  const BoundRow& bound_;
  const Signature& signature_;
  Command& command_;
  ArrayView views_[kMaxOperands];
  int64_t offset_[kMaxOperands];
  bool moves_[kMaxNumbers];
  bool dimMoves_[kMaxRank];
  std::string message_;
};

}  // namespace

napi_value throwNative(napi_env env, const char* code, const std::string& message) {
  napi_throw_error(env, code, message.c_str());
  return nullptr;
}

napi_value callRow(napi_env env, napi_callback_info info) {
  napi_value argv[kMaxOperands];
  size_t argc = kMaxOperands;
  void* data = nullptr;
  napi_get_cb_info(env, info, &argc, argv, nullptr, &data);
  Environment& environment = *static_cast<Environment*>(data);
  if (!environment.params) {
    return throwNative(env, "ERR_NATIVE_ARGUMENT", "the parameter block was not attached");
  }
  int64_t number;
  if (!toWhole(environment.params[kRow], &number) || number < 0 ||
      number >= static_cast<int64_t>(environment.rows.size())) {
    return throwNative(env, "ERR_NATIVE_ARGUMENT", "there is no row of that number");
  }
  const BoundRow& bound = environment.rows[static_cast<size_t>(number)];
  Command command;
  Reader reader(env, environment.params, bound, &command);
  if (!reader.read(argv, argc)) return throwNative(env, "ERR_NATIVE_ARGUMENT", reader.message());
  const Status status = bound.row->run(command);
  if (status != Status::ok) {
    const char* const code = status == Status::outOfMemory ? "ERR_NATIVE_MEMORY"
                             : status == Status::badIndex  ? "ERR_NATIVE_INDEX"
                                                           : "ERR_NATIVE_ARGUMENT";
    return throwNative(env, code, std::string("[") + bound.row->name + "] " + problemOf(status));
  }
  if (environment.recording) {
    environment.recording->add(env, *bound.row, command, reader.views(),
                               static_cast<int>(bound.signature.operands.size()));
  }
  return nullptr;
}

}  // namespace tilegrad
