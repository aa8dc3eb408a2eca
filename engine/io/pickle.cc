// SPDX-License-Identifier: Apache-2.0
#include "engine/io/pickle.h"

#include <cstring>
#include <map>
#include <set>

namespace assay::io {
namespace {

using Kind = PickleValue::Kind;

// All that a state dict needs, and nothing that does anything.
const std::set<std::string>& allowed_globals() {
  static const std::set<std::string> names = {"collections.OrderedDict",
                                              "torch._utils._rebuild_tensor_v2",
                                              "torch._utils._rebuild_parameter",
                                              "torch.FloatStorage",
                                              "torch.HalfStorage",
                                              "torch.BFloat16Storage",
                                              "torch.DoubleStorage",
                                              "torch.LongStorage",
                                              "torch.IntStorage",
                                              "torch.ShortStorage",
                                              "torch.CharStorage",
                                              "torch.ByteStorage",
                                              "torch.BoolStorage",
                                              "torch.storage._LegacyStorage",
                                              "torch.Size",
                                              "torch._utils._rebuild_tensor"};
  return names;
}

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  Result<PickleTree> run() {
    while (!is_done_) {
      const size_t at = at_;
      uint8_t op = 0;
      Status status = byte(&op);
      if (status.ok()) status = step(op);
      if (!status.ok()) return Status::error("pickle: byte ", at, ": ", status.message());
    }
    tree_.bytes_used = at_;
    return std::move(tree_);
  }

 private:
  // ---- Reading

  Status take(size_t count, std::string_view* out) {
    if (count > bytes_.size() - at_) return Status::error("ends within an instruction");
    *out = bytes_.substr(at_, count);
    at_ += count;
    return {};
  }
  Status byte(uint8_t* out) {
    std::string_view b;
    ASSAY_RETURN_IF_ERROR(take(1, &b));
    *out = static_cast<uint8_t>(b[0]);
    return {};
  }
  // A little-endian number of `count` bytes, sign-extended where asked.
  Status number(int count, bool is_signed, int64_t* out) {
    std::string_view b;
    ASSAY_RETURN_IF_ERROR(take(static_cast<size_t>(count), &b));
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint64_t{static_cast<uint8_t>(b[static_cast<size_t>(i)])} << (8 * i);
    if (is_signed && count < 8 && count > 0 && (value >> (8 * count - 1) & 1)) value |= ~uint64_t{0} << (8 * count);
    *out = static_cast<int64_t>(value);
    return {};
  }
  Status sized_text(int count_bytes, std::string_view* out) {
    int64_t count = 0;
    ASSAY_RETURN_IF_ERROR(number(count_bytes, false, &count));
    if (count < 0) return Status::error("a text of absurd length");
    return take(static_cast<size_t>(count), out);
  }
  Status line(std::string* out) {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) return Status::error("ends within a line");
    *out = std::string(bytes_.substr(at_, end - at_));
    at_ = end + 1;
    return {};
  }

  // ---- Values

  PickleValue* make(Kind kind) {
    tree_.values.emplace_back();
    tree_.values.back().kind = kind;
    return &tree_.values.back();
  }
  PickleValue* make_int(int64_t number, Kind kind = Kind::kInt) {
    PickleValue* value = make(kind);
    value->number = number;
    return value;
  }
  PickleValue* make_text(std::string text, Kind kind = Kind::kString) {
    PickleValue* value = make(kind);
    value->text = std::move(text);
    return value;
  }

  // ---- The stack

  void push(PickleValue* value) { stack_.push_back(value); }
  Status pop(PickleValue** out) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) return Status::error("takes a value from an empty stack");
    *out = stack_.back();
    stack_.pop_back();
    return {};
  }
  Status pop_to_mark(std::vector<PickleRef>* out) {
    if (marks_.empty()) return Status::error("no mark on the stack");
    out->assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return {};
  }
  Status top(Kind kind, const char* name, PickleValue** out) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor || stack_.back()->kind != kind) return Status::error("needs a ", name);
    *out = stack_.back();
    return {};
  }
  Status tuple_of(int count) {
    PickleValue* tuple = make(Kind::kTuple);
    for (int i = 0; i < count; ++i) {
      PickleValue* item = nullptr;
      ASSAY_RETURN_IF_ERROR(pop(&item));
      tuple->items.insert(tuple->items.begin(), item);
    }
    push(tuple);
    return {};
  }

  // ---- Instructions

  Status global(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    if (allowed_globals().count(full) == 0) {
      return Status::error("names ", full, ", which a file of weights has no business with");
    }
    push(make_text(full, Kind::kGlobal));
    return {};
  }
  Status reduce() {
    PickleValue *arguments = nullptr, *function = nullptr;
    ASSAY_RETURN_IF_ERROR(pop(&arguments));
    ASSAY_RETURN_IF_ERROR(pop(&function));
    if (function->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) {
      return Status::error("calls something that is no function");
    }
    if (function->text == "collections.OrderedDict") {
      if (!arguments->items.empty()) return Status::error("an OrderedDict with arguments");
      push(make(Kind::kDict));
      return {};
    }
    PickleValue* call = make(Kind::kCall);
    call->items = {function, arguments};
    push(call);
    return {};
  }
  // Attributes of an object: a state dict's `_metadata`, which says nothing about the tensors.
  Status build() {
    PickleValue *state = nullptr, *object = nullptr;
    ASSAY_RETURN_IF_ERROR(pop(&state));
    return top(Kind::kDict, "dict to give attributes to", &object);
  }
  Status set_items() {
    std::vector<PickleRef> items;
    ASSAY_RETURN_IF_ERROR(pop_to_mark(&items));
    if (items.size() % 2 != 0) return Status::error("a key without a value");
    PickleValue* dict = nullptr;
    ASSAY_RETURN_IF_ERROR(top(Kind::kDict, "dict", &dict));
    for (size_t i = 0; i < items.size(); i += 2) dict->pairs.push_back({items[i], items[i + 1]});
    return {};
  }
  Status append_items() {
    std::vector<PickleRef> items;
    ASSAY_RETURN_IF_ERROR(pop_to_mark(&items));
    PickleValue* list = nullptr;
    ASSAY_RETURN_IF_ERROR(top(Kind::kList, "list", &list));
    list->items.insert(list->items.end(), items.begin(), items.end());
    return {};
  }
  Status put(int64_t index) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) return Status::error("remembers a value of an empty stack");
    memo_[index] = stack_.back();
    return {};
  }
  Status get(int64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) return Status::error("recalls value ", index, ", which was not remembered");
    push(found->second);
    return {};
  }
  Status push_number(int count, bool is_signed) {
    int64_t value = 0;
    ASSAY_RETURN_IF_ERROR(number(count, is_signed, &value));
    push(make_int(value));
    return {};
  }
  Status push_text(int count_bytes) {
    std::string_view text;
    ASSAY_RETURN_IF_ERROR(sized_text(count_bytes, &text));
    push(make_text(std::string(text)));
    return {};
  }
  Status push_long() {
    uint8_t count = 0;
    ASSAY_RETURN_IF_ERROR(byte(&count));
    // Protocol 2 writes PyTorch's magic number in ten bytes; larger ones have no use here.
    if (count > 8) {
      std::string_view digits;
      ASSAY_RETURN_IF_ERROR(take(count, &digits));
      push(make_text(std::string(digits), Kind::kString));
      return {};
    }
    return push_number(count, true);
  }
  Status push_double() {
    std::string_view b;
    ASSAY_RETURN_IF_ERROR(take(8, &b));
    uint64_t bits = 0;
    for (const char c : b) bits = bits << 8 | static_cast<uint8_t>(c);
    PickleValue* value = make(Kind::kFloat);
    std::memcpy(&value->real, &bits, sizeof bits);
    push(value);
    return {};
  }

  Status stop() {
    PickleValue* root = nullptr;
    ASSAY_RETURN_IF_ERROR(pop(&root));
    tree_.root = root;
    is_done_ = true;
    return {};
  }

  Status step(uint8_t op) {
    switch (op) {
      case 0x80: {  // PROTO
        uint8_t version = 0;
        ASSAY_RETURN_IF_ERROR(byte(&version));
        return version <= 4 ? Status() : Status::error("protocol ", int{version}, ", at most 4 is read");
      }
      case 0x95: {  // FRAME
        int64_t bytes = 0;
        return number(8, false, &bytes);
      }
      case '.':
        return stop();
      case '(':
        marks_.push_back(stack_.size());
        return {};
      case '0': {
        PickleValue* dropped = nullptr;
        return pop(&dropped);
      }
      default:
        return step_value(op);
    }
  }

  Status step_value(uint8_t op) {
    switch (op) {
      case 'N':
        push(make(Kind::kNone));
        return {};
      case 0x88:
        push(make_int(1, Kind::kBool));
        return {};
      case 0x89:
        push(make_int(0, Kind::kBool));
        return {};
      case 'J':
        return push_number(4, true);
      case 'K':
        return push_number(1, false);
      case 'M':
        return push_number(2, false);
      case 0x8a:
        return push_long();
      case 'G':
        return push_double();
      case 'X':
        return push_text(4);
      case 0x8c:
        return push_text(1);
      case 0x8d:
        return push_text(8);
      case 'U':  // SHORT_BINSTRING, which Python 2 wrote
        return push_text(1);
      default:
        return step_container(op);
    }
  }

  Status step_container(uint8_t op) {
    switch (op) {
      case ')':
        return tuple_of(0);
      case 0x85:
        return tuple_of(1);
      case 0x86:
        return tuple_of(2);
      case 0x87:
        return tuple_of(3);
      case 't': {
        PickleValue* tuple = make(Kind::kTuple);
        ASSAY_RETURN_IF_ERROR(pop_to_mark(&tuple->items));
        push(tuple);
        return {};
      }
      case ']':
        push(make(Kind::kList));
        return {};
      case '}':
        push(make(Kind::kDict));
        return {};
      case 'a': {
        PickleValue *item = nullptr, *list = nullptr;
        ASSAY_RETURN_IF_ERROR(pop(&item));
        ASSAY_RETURN_IF_ERROR(top(Kind::kList, "list", &list));
        list->items.push_back(item);
        return {};
      }
      case 'e':
        return append_items();
      case 's': {
        PickleValue *key = nullptr, *value = nullptr, *dict = nullptr;
        ASSAY_RETURN_IF_ERROR(pop(&value));
        ASSAY_RETURN_IF_ERROR(pop(&key));
        ASSAY_RETURN_IF_ERROR(top(Kind::kDict, "dict", &dict));
        dict->pairs.push_back({key, value});
        return {};
      }
      case 'u':
        return set_items();
      default:
        return step_object(op);
    }
  }

  Status step_object(uint8_t op) {
    switch (op) {
      case 'c': {
        std::string module, name;
        ASSAY_RETURN_IF_ERROR(line(&module));
        ASSAY_RETURN_IF_ERROR(line(&name));
        return global(module, name);
      }
      case 0x93: {  // STACK_GLOBAL
        PickleValue *name = nullptr, *module = nullptr;
        ASSAY_RETURN_IF_ERROR(pop(&name));
        ASSAY_RETURN_IF_ERROR(pop(&module));
        if (name->kind != Kind::kString || module->kind != Kind::kString) {
          return Status::error("names a global by something that is no text");
        }
        return global(module->text, name->text);
      }
      case 'R':
        return reduce();
      case 'b':
        return build();
      case 'Q': {
        PickleValue* persistent = make(Kind::kPersistent);
        PickleValue* id = nullptr;
        ASSAY_RETURN_IF_ERROR(pop(&id));
        persistent->items = {id};
        push(persistent);
        return {};
      }
      default:
        return step_memo(op);
    }
  }

  Status step_memo(uint8_t op) {
    int64_t index = 0;
    switch (op) {
      case 'q':
        ASSAY_RETURN_IF_ERROR(number(1, false, &index));
        return put(index);
      case 'r':
        ASSAY_RETURN_IF_ERROR(number(4, false, &index));
        return put(index);
      case 0x94:  // MEMOIZE
        return put(static_cast<int64_t>(memo_.size()));
      case 'h':
        ASSAY_RETURN_IF_ERROR(number(1, false, &index));
        return get(index);
      case 'j':
        ASSAY_RETURN_IF_ERROR(number(4, false, &index));
        return get(index);
      default:
        return Status::error("instruction ", int{op}, ", which a file of weights has no business with");
    }
  }

  const std::string_view bytes_;
  size_t at_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::map<int64_t, PickleValue*> memo_;
  bool is_done_ = false;
  PickleTree tree_;
};

}  // namespace

Result<PickleTree> parse_pickle(std::string_view bytes) { return Machine(bytes).run(); }

}  // namespace assay::io
