// SPDX-License-Identifier: Apache-2.0
#include "engine/io/pytorch_layout.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/io/zip_reader.h"

namespace assay::io {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMaxAxes = 8;

const std::map<std::string, PytorchElement>& storage_types() {
  static const std::map<std::string, PytorchElement> types = {
      {"torch.FloatStorage", PytorchElement::kFloat32},     {"torch.HalfStorage", PytorchElement::kFloat16},
      {"torch.BFloat16Storage", PytorchElement::kBFloat16}, {"torch.DoubleStorage", PytorchElement::kFloat64},
      {"torch.LongStorage", PytorchElement::kInt64},        {"torch.IntStorage", PytorchElement::kInt32},
      {"torch.ShortStorage", PytorchElement::kInt16},       {"torch.CharStorage", PytorchElement::kInt8},
      {"torch.ByteStorage", PytorchElement::kUInt8},        {"torch.BoolStorage", PytorchElement::kBool}};
  return types;
}

Result<std::string> read_text(const ByteSource& source, int64_t begin, int64_t bytes) {
  std::string text(static_cast<size_t>(bytes), '\0');
  ASSAY_RETURN_IF_ERROR(source.read(begin, bytes, text.data()));
  return text;
}

bool is_tensor(PickleRef value) {
  return value->kind == Kind::kCall && value->items[0]->text.rfind("torch._utils._rebuild_", 0) == 0;
}

int64_t num_tensors(PickleRef dict) {
  return std::count_if(dict->pairs.begin(), dict->pairs.end(), [](const auto& p) { return is_tensor(p.second); });
}

Result<PickleRef> find_state_dict(PickleRef root) {
  if (root->kind != Kind::kDict) return Status::error("holds no dict of tensors");
  if (num_tensors(root) > 0) return root;
  std::vector<PickleRef> inner;
  for (const auto& [key, value] : root->pairs) {
    if (value->kind == Kind::kDict && num_tensors(value) > 0) inner.push_back(value);
  }
  if (inner.size() == 1) return inner[0];
  return Status::error("holds ", inner.size(), " dicts of tensors, expected one: save the state dict alone");
}

Result<std::vector<int64_t>> int_tuple(PickleRef value, const char* what) {
  if (value->kind != Kind::kTuple || value->items.size() > kMaxAxes) {
    return Status::error(what, " is no tuple of at most ", kMaxAxes, " numbers");
  }
  std::vector<int64_t> numbers;
  for (const PickleRef item : value->items) {
    if (item->kind != Kind::kInt || item->number < 0) return Status::error(what, " holds something else than counts");
    numbers.push_back(item->number);
  }
  return numbers;
}

// Elements from the first to the last that a strided tensor touches, plus one; -1 where that overflows.
int64_t extent(const Shape& shape, const std::vector<int64_t>& strides) {
  int64_t last = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) return 0;
    int64_t step = 0;
    if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &step) || __builtin_add_overflow(last, step, &last)) {
      return -1;
    }
  }
  return last == INT64_MAX ? -1 : last + 1;
}

// _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks), or _rebuild_parameter of one.
Result<PytorchEntry> tensor_entry(const PytorchLayout& layout, const std::string& name, PickleRef call) {
  PickleRef arguments = call->items[1];
  if (call->items[0]->text == "torch._utils._rebuild_parameter") {
    if (arguments->items.empty() || !is_tensor(arguments->items[0])) return Status::error("a parameter of no tensor");
    call = arguments->items[0];
    arguments = call->items[1];
    if (call->items[0]->text == "torch._utils._rebuild_parameter") return Status::error("a parameter of a parameter");
  }
  if (arguments->items.size() < 4 || arguments->items[1]->kind != Kind::kInt) {
    return Status::error("described in a form that is not known");
  }
  const Result<StorageReference> storage = storage_reference(arguments->items[0]);
  if (!storage.ok()) return storage.status();
  Result<std::vector<int64_t>> shape = int_tuple(arguments->items[2], "its shape");
  if (!shape.ok()) return shape.status();
  Result<std::vector<int64_t>> strides = int_tuple(arguments->items[3], "its strides");
  if (!strides.ok()) return strides.status();
  if (shape.value().size() != strides.value().size()) return Status::error("has a stride too many or too few");
  const auto range = layout.storages.find(storage.value().key);
  if (range == layout.storages.end()) return Status::error("its storage ", storage.value().key, " is missing");
  const int64_t size = element_bytes(storage.value().element);
  const int64_t held = range->second.bytes / size;
  const int64_t offset = arguments->items[1]->number;
  const int64_t needed = extent(shape.value(), strides.value());
  int64_t elements = 1;
  for (const int64_t axis : shape.value()) {
    if (__builtin_mul_overflow(elements, axis, &elements)) return Status::error("has a shape beyond all memory");
  }
  // A stride of 0 repeats elements: nothing a file of weights has, and a small file could ask for any memory by it.
  if (needed < 0 || offset < 0 || offset > held || needed > held - offset || elements > held) {
    return Status::error("of shape ", to_string(shape.value()), " reaches past its storage of ", held, " elements");
  }
  return PytorchEntry{name, storage.value().element, shape.value(), strides.value(),
                      range->second.begin + offset * size};
}

// Storage references anywhere in the tree.
Result<std::map<std::string, StorageReference>> all_references(const PickleTree& tree) {
  std::map<std::string, StorageReference> found;
  for (const PickleValue& value : tree.values) {
    if (value.kind != Kind::kPersistent) continue;
    const Result<StorageReference> reference = storage_reference(&value);
    if (!reference.ok()) return reference.status();
    found[reference.value().key] = reference.value();
  }
  return found;
}

}  // namespace

int64_t element_bytes(PytorchElement element) {
  switch (element) {
    case PytorchElement::kFloat64:
    case PytorchElement::kInt64:
      return 8;
    case PytorchElement::kFloat32:
    case PytorchElement::kInt32:
      return 4;
    case PytorchElement::kFloat16:
    case PytorchElement::kBFloat16:
    case PytorchElement::kInt16:
      return 2;
    case PytorchElement::kInt8:
    case PytorchElement::kUInt8:
    case PytorchElement::kBool:
      return 1;
  }
  return 0;
}

// ("storage", type, key, location, elements[, view]).
Result<StorageReference> storage_reference(PickleRef persistent) {
  if (persistent->kind != Kind::kPersistent) return Status::error("refers to no storage");
  const PickleRef id = persistent->items[0];
  const bool has_form = id->kind == Kind::kTuple && id->items.size() >= 5 && id->items[0]->text == "storage" &&
                        id->items[1]->kind == Kind::kGlobal && id->items[2]->kind == Kind::kString &&
                        id->items[4]->kind == Kind::kInt && id->items[4]->number >= 0;
  if (!has_form) return Status::error("refers to a storage in a form that is not known");
  const auto type = storage_types().find(id->items[1]->text);
  if (type == storage_types().end()) return Status::error("has elements of type ", id->items[1]->text);
  return StorageReference{id->items[2]->text, type->second, id->items[4]->number};
}

Result<PytorchLayout> read_zip_layout(const ByteSource& source) {
  const Result<std::map<std::string, ZipMember>> members = read_zip_members(source);
  if (!members.ok()) return members.status();
  std::string folder;
  const ZipMember* pickle = nullptr;
  for (const auto& [name, member] : members.value()) {
    const size_t slash = name.rfind("/data.pkl");
    if (slash == std::string::npos || slash + 9 != name.size()) continue;
    if (pickle != nullptr) return Status::error("holds two files data.pkl");
    folder = name.substr(0, slash + 1);
    pickle = &member;
  }
  if (pickle == nullptr) return Status::error("a zip archive without data.pkl: not a PyTorch file");
  if (pickle->bytes > kMaxPickleBytes) {
    return Status::error("data.pkl has ", pickle->bytes, " bytes, at most ", kMaxPickleBytes, " are read");
  }
  const auto order = members.value().find(folder + "byteorder");
  if (order != members.value().end()) {
    const Result<std::string> text = read_text(source, order->second.begin, std::min<int64_t>(order->second.bytes, 16));
    if (!text.ok()) return text.status();
    if (text.value() != "little") return Status::error("numbers in byte order '", text.value(), "', expected little");
  }
  const Result<std::string> bytes = read_text(source, pickle->begin, pickle->bytes);
  if (!bytes.ok()) return bytes.status();
  Result<PickleTree> tree = parse_pickle(bytes.value());
  if (!tree.ok()) return tree.status();
  PytorchLayout layout;
  layout.tree = std::move(tree).value();
  const std::string data = folder + "data/";
  for (const auto& [name, member] : members.value()) {
    if (name.rfind(data, 0) == 0) layout.storages[name.substr(data.size())] = {member.begin, member.bytes};
  }
  return layout;
}

// Five pickles (a magic number, a version, the machine, the object, the keys of the storages), then each storage's
// number of elements and its bytes.
Result<PytorchLayout> read_legacy_layout(const ByteSource& source) {
  const Result<std::string> head = read_text(source, 0, std::min(source.bytes(), kMaxPickleBytes));
  if (!head.ok()) return head.status();
  PytorchLayout layout;
  std::vector<std::string> keys;
  size_t at = 0;
  for (int part = 0; part < 5; ++part) {
    Result<PickleTree> tree = parse_pickle(std::string_view(head.value()).substr(at));
    if (!tree.ok()) return tree.status();
    at += tree.value().bytes_used;
    if (part == 3) layout.tree = std::move(tree).value();
    if (part < 4) continue;
    if (tree.value().root->kind != Kind::kList) return Status::error("the list of storages is missing");
    for (const PickleRef key : tree.value().root->items) keys.push_back(key->text);
  }
  const Result<std::map<std::string, StorageReference>> references = all_references(layout.tree);
  if (!references.ok()) return references.status();
  int64_t offset = static_cast<int64_t>(at);
  for (const std::string& key : keys) {
    const auto reference = references.value().find(key);
    if (reference == references.value().end()) return Status::error("storage ", key, " belongs to no tensor");
    uint64_t elements = 0;
    if (source.bytes() - offset < 8) return Status::error("ends before storage ", key);
    ASSAY_RETURN_IF_ERROR(source.read(offset, 8, &elements));
    offset += 8;
    const int64_t size = element_bytes(reference->second.element);
    if (elements > static_cast<uint64_t>((source.bytes() - offset) / size)) {
      return Status::error("storage ", key, " of ", elements, " elements is cut short");
    }
    layout.storages[key] = {offset, static_cast<int64_t>(elements) * size};
    offset += static_cast<int64_t>(elements) * size;
  }
  return layout;
}

Result<std::vector<PytorchEntry>> state_dict_entries(const PytorchLayout& layout) {
  const Result<PickleRef> dict = find_state_dict(layout.tree.root);
  if (!dict.ok()) return dict.status();
  std::vector<PytorchEntry> entries;
  for (const auto& [key, value] : dict.value()->pairs) {
    if (!is_tensor(value)) continue;
    if (key->kind != Kind::kString) return Status::error("a tensor whose name is no text");
    Result<PytorchEntry> entry = tensor_entry(layout, key->text, value);
    if (!entry.ok()) return Status::error("tensor ", key->text, ": ", entry.message());
    entries.push_back(std::move(entry).value());
  }
  return entries;
}

}  // namespace assay::io
