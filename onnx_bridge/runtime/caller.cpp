// caller.cpp: calls of a built header through Python's and numpy's C API; see callers.py, whose `CtypesCaller` does the same without it.
//
// Built once for each version of Python and numpy, for all models. A Caller holds the addresses of functions of a library's C face, a
// workspace for each call at a time, and a plan for each set of input shapes that was met. It answers a call only where there is a plan and every argument is as the plan says: plain
// arrays, native, aligned, their elements neighbours. Anything else is None: Python then does all the checking, says what is wrong, or
// makes the plan and teaches it. A Method stands in for a method of Python's and asks the Caller first: a function of Python's costs as
// much as all that a Caller does.
//
// The GIL is released, unless the calls of a plan were short; one of 64 of those is timed again. All members are read and changed while it
// is held; a plan that is thrown out lives until the calls that use it are over.
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace {

/// Functions of a C face; what they return is 0 where all is well.
using Infer = int (*)(const void* model, void* workspace, const void* dims, const void* const* in, void* const* out);
using New = int (*)(const void* model, const void* dims, void* memory, void** workspace);
using Free = void (*)(void* workspace);

/// Names of attributes, made as the module is imported.
PyObject *caller_name = nullptr, *names_name = nullptr;

/// A reference to a Python object, or none.
class Owned {
public:
   explicit Owned(PyObject* object = nullptr) : object_(object) {}
   Owned(Owned&& other) noexcept : object_(other.release()) {}
   Owned& operator=(Owned&& other) noexcept
   {
      Py_XDECREF(object_);
      object_ = other.release();
      return *this;
   }
   ~Owned() { Py_XDECREF(object_); }
   PyObject* get() const { return object_; }
   PyObject* release()
   {
      PyObject* object = object_;
      object_ = nullptr;
      return object;
   }
   static Owned another(PyObject* object)
   {
      Py_XINCREF(object);
      return Owned(object);
   }

private:
   PyObject* object_;
};

struct Argument {
   Owned name;
   Owned dtype;
   int rank = 0;           // of an input
   bool by_value = false;  // an input whose elements decide sizes
};

/// Shapes of the inputs, and the values of those that decide sizes.
struct Key {
   static constexpr std::size_t most = 64;
   std::array<std::int64_t, most> words;
   std::size_t count = 0;
   std::uint64_t hash = 0xcbf29ce484222325u;

   bool add(std::int64_t word)
   {
      if (count == most) return false;
      words[count++] = word;
      hash = (hash ^ static_cast<std::uint64_t>(word)) * 0x100000001b3u;
      return true;
   }
   bool add(const void* data, std::size_t bytes)
   {
      for (std::size_t i = 0; i < bytes; i += sizeof(std::int64_t)) {
         std::int64_t word = 0;
         std::memcpy(&word, static_cast<const char*>(data) + i, bytes - i < sizeof word ? bytes - i : sizeof word);
         if (!add(word)) return false;
      }
      return true;
   }
};

struct Plan {
   std::vector<std::int64_t> key;
   std::vector<std::int64_t> sizes;
   std::size_t bytes = 0;
   std::vector<std::vector<npy_intp>> memory;
   // How long a call takes: the least of the first four, then of one in 64.
   unsigned calls = 0;
   double seconds = 1;
};

constexpr unsigned tried = 4, sampled = 64;
/// A call of this many seconds is worth giving the GIL away, which costs a waiting thread's waking up.
constexpr double is_long = 5e-6;

struct Workspace {
   std::size_t bytes;
   void* workspace;
};

struct State {
   State() = default;
   State(const State&) = delete;
   State& operator=(const State&) = delete;
   ~State()
   {
      for (const Workspace& each : idle) free(each.workspace);
   }

   /// A workspace for a plan, to be given back; a null pointer where there is no memory.
   Workspace take(const Plan& plan)
   {
      if (!idle.empty()) {
         const Workspace found = idle.back();
         idle.pop_back();
         if (found.bytes >= plan.bytes) return found;
         free(found.workspace);  // before the larger one is made
      }
      Workspace made{plan.bytes, nullptr};
      return make(model, plan.sizes.data(), nullptr, &made.workspace) == 0 ? made : Workspace{0, nullptr};
   }
   void give(const Workspace& workspace)
   {
      if (idle.size() < idle.capacity())
         idle.push_back(workspace);
      else
         free(workspace.workspace);
   }

   Infer infer = nullptr;
   New make = nullptr;
   Free free = nullptr;
   void* model = nullptr;
   Owned keep;  // what `model` lives in
   std::vector<Workspace> idle;
   std::vector<Argument> inputs, outputs;
   Owned outputs_type, outputs_names;
   bool steady = true;  // calls with the same sizes take as long as each other
   std::array<std::shared_ptr<Plan>, 256> plans;
};

struct Caller {
   PyObject_HEAD
   vectorcallfunc vectorcall;
   State* state;
};

bool is_plain(PyObject* value, const Argument& argument)
{
   if (!PyArray_CheckExact(value)) return false;
   auto* array = reinterpret_cast<PyArrayObject*>(value);
   const auto* wanted = reinterpret_cast<PyArray_Descr*>(argument.dtype.get());
   return PyArray_DESCR(array)->type_num == wanted->type_num && PyArray_ISNOTSWAPPED(array) && PyArray_IS_C_CONTIGUOUS(array) &&
          PyArray_ISALIGNED(array);
}

/// Models with more inputs or outputs are called the slow way.
constexpr std::size_t most_arguments = 16;

/// Where the inputs lie, and the key of their plan; false where they are not plain.
bool look(const State& s, PyObject* const* inputs, const void** data, Key& key)
{
   for (std::size_t i = 0; i < s.inputs.size(); i++) {
      if (!inputs[i] || !is_plain(inputs[i], s.inputs[i])) return false;
      auto* array = reinterpret_cast<PyArrayObject*>(inputs[i]);
      if (PyArray_NDIM(array) != s.inputs[i].rank) return false;
      for (int axis = 0; axis < s.inputs[i].rank; axis++)
         if (!key.add(PyArray_DIM(array, axis))) return false;
      data[i] = PyArray_DATA(array);
      if (s.inputs[i].by_value && !key.add(data[i], static_cast<std::size_t>(PyArray_NBYTES(array)))) return false;
   }
   return true;
}

bool overlap(PyObject* a, PyObject* b)
{
   auto *x = reinterpret_cast<PyArrayObject*>(a), *y = reinterpret_cast<PyArrayObject*>(b);
   const char *from = PyArray_BYTES(x), *other = PyArray_BYTES(y);
   return from < other + PyArray_NBYTES(y) && other < from + PyArray_NBYTES(x);
}

/// Whether the caller's memory can be written to as it is.
bool takes(const State& s, const Plan& plan, std::size_t index, PyObject* const* inputs, PyObject* const* out)
{
   PyObject* value = out[index];
   if (!is_plain(value, s.outputs[index])) return false;
   auto* array = reinterpret_cast<PyArrayObject*>(value);
   const auto& shape = plan.memory[index];
   if (!PyArray_ISWRITEABLE(array) || static_cast<std::size_t>(PyArray_NDIM(array)) != shape.size() ||
       !PyArray_CompareLists(PyArray_DIMS(array), shape.data(), PyArray_NDIM(array)))
      return false;
   for (std::size_t i = 0; i < s.inputs.size(); i++)
      if (overlap(value, inputs[i])) return false;
   for (std::size_t i = 0; i < index; i++)
      if (out[i] && overlap(value, out[i])) return false;
   return true;
}

int run(State& s, Plan& plan, const void* const* in, void* const* out)
{
   const Workspace space = s.take(plan);
   if (!space.workspace) return -1;
   const bool timed = plan.calls < tried || plan.calls % sampled == 0;
   const bool held = s.steady && plan.calls >= tried && plan.seconds < is_long;
   plan.calls++;
   int outcome = 0;
   if (held && !timed) {
      outcome = s.infer(s.model, space.workspace, plan.sizes.data(), in, out);
   } else {
      double seconds = 0;
      Py_BEGIN_ALLOW_THREADS;
      const auto begin = std::chrono::steady_clock::now();
      outcome = s.infer(s.model, space.workspace, plan.sizes.data(), in, out);
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      Py_END_ALLOW_THREADS;
      if (plan.calls > tried || seconds < plan.seconds) plan.seconds = seconds;
   }
   s.give(space);
   return outcome;
}

/// The outputs; None where only Python knows; null with an exception.
PyObject* answer(State& s, PyObject* const* inputs, PyObject* const* out, bool always_named)
{
   const void* in[most_arguments] = {};
   void* to[most_arguments] = {};
   Key key;
   if (!look(s, inputs, in, key)) Py_RETURN_NONE;
   const std::shared_ptr<Plan> plan = s.plans[key.hash % s.plans.size()];
   if (!plan || plan->key.size() != key.count || std::memcmp(plan->key.data(), key.words.data(), key.count * sizeof key.words[0]) != 0)
      Py_RETURN_NONE;
   Owned made[most_arguments];
   for (std::size_t i = 0; i < s.outputs.size(); i++) {
      if (out && out[i]) {
         if (!takes(s, *plan, i, inputs, out)) Py_RETURN_NONE;
         made[i] = Owned::another(out[i]);
      } else {
         const auto& shape = plan->memory[i];
         auto* dtype = reinterpret_cast<PyArray_Descr*>(Owned::another(s.outputs[i].dtype.get()).release());  // the array takes it over
         made[i] = Owned(PyArray_Empty(static_cast<int>(shape.size()), shape.data(), dtype, 0));
         if (!made[i].get()) {
            PyErr_Clear();
            Py_RETURN_NONE;
         }
      }
      to[i] = PyArray_DATA(reinterpret_cast<PyArrayObject*>(made[i].get()));
   }
   if (run(s, *plan, in, to) != 0) Py_RETURN_NONE;
   if (s.outputs.size() == 1 && !always_named) return made[0].release();
   auto* named = reinterpret_cast<PyTypeObject*>(s.outputs_type.get());
   Owned result(named->tp_alloc(named, static_cast<Py_ssize_t>(s.outputs.size())));
   if (!result.get()) return nullptr;
   for (std::size_t i = 0; i < s.outputs.size(); i++) PyTuple_SET_ITEM(result.get(), static_cast<Py_ssize_t>(i), made[i].release());
   if (PyObject_SetAttr(result.get(), names_name, s.outputs_names.get()) != 0) return nullptr;
   return result.release();
}

/// Where a name stands among the arguments; -1 where it does not.
Py_ssize_t find(const std::vector<Argument>& arguments, PyObject* name)
{
   for (std::size_t i = 0; i < arguments.size(); i++)
      if (arguments[i].name.get() == name) return static_cast<Py_ssize_t>(i);
   for (std::size_t i = 0; i < arguments.size(); i++)
      if (PyUnicode_Check(name) && PyUnicode_Compare(arguments[i].name.get(), name) == 0) return static_cast<Py_ssize_t>(i);
   return -1;
}

/// The caller's memory, one for each output, null for those that are made; false where only Python knows.
bool memory_of(const State& s, PyObject* out, PyObject** each)
{
   if (!out || out == Py_None) return true;
   if (PyArray_CheckExact(out)) {
      each[0] = out;
      return s.outputs.size() == 1;
   }
   if (PyTuple_CheckExact(out) || PyList_CheckExact(out)) {
      if (static_cast<std::size_t>(PySequence_Fast_GET_SIZE(out)) != s.outputs.size()) return false;
      for (std::size_t i = 0; i < s.outputs.size(); i++) {
         PyObject* value = PySequence_Fast_GET_ITEM(out, static_cast<Py_ssize_t>(i));
         each[i] = value == Py_None ? nullptr : value;
      }
      return true;
   }
   if (!PyDict_CheckExact(out)) return false;
   PyObject *name = nullptr, *value = nullptr;
   Py_ssize_t at = 0;
   while (PyDict_Next(out, &at, &name, &value)) {
      const Py_ssize_t i = find(s.outputs, name);
      if (i < 0) return false;
      each[i] = value == Py_None ? nullptr : value;
   }
   return true;
}

/// The answer to arguments by position and by name; see `answer`.
PyObject* answer_to(State& s, PyObject* const* args, std::size_t given, PyObject* names, PyObject* const* named)
{
   if (s.inputs.size() > most_arguments || s.outputs.size() > most_arguments || given > s.inputs.size()) Py_RETURN_NONE;
   PyObject *inputs[most_arguments] = {}, *out[most_arguments] = {}, *memory = nullptr;
   for (std::size_t i = 0; i < given; i++) inputs[i] = args[i];
   for (Py_ssize_t k = 0; names && k < PyTuple_GET_SIZE(names); k++) {
      PyObject* name = PyTuple_GET_ITEM(names, k);
      const Py_ssize_t i = find(s.inputs, name);
      if (i >= 0) {
         if (inputs[i]) Py_RETURN_NONE;
         inputs[i] = named[k];
      } else if (PyUnicode_CompareWithASCIIString(name, "out") == 0) {
         memory = named[k];
      } else {
         Py_RETURN_NONE;
      }
   }
   if (memory && !memory_of(s, memory, out)) Py_RETURN_NONE;
   return answer(s, inputs, memory ? out : nullptr, false);
}

PyObject* call(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* names)
{
   const auto given = static_cast<std::size_t>(PyVectorcall_NARGS(flags));
   return answer_to(*reinterpret_cast<Caller*>(self)->state, args, given, names, args + given);
}

/// The answer to inputs by name, all outputs in a tuple of names; see `answer`.
PyObject* answer_to_named(State& s, PyObject* feeds, PyObject* memory)
{
   if (s.inputs.size() > most_arguments || s.outputs.size() > most_arguments || !PyDict_CheckExact(feeds)) Py_RETURN_NONE;
   if (static_cast<std::size_t>(PyDict_GET_SIZE(feeds)) != s.inputs.size()) Py_RETURN_NONE;
   PyObject *inputs[most_arguments] = {}, *out[most_arguments] = {};
   for (std::size_t i = 0; i < s.inputs.size(); i++) {
      inputs[i] = PyDict_GetItemWithError(feeds, s.inputs[i].name.get());
      if (!inputs[i]) {
         if (PyErr_Occurred()) return nullptr;
         Py_RETURN_NONE;
      }
   }
   if (!memory_of(s, memory, out)) Py_RETURN_NONE;
   return answer(s, inputs, out, true);
}

PyObject* run_named(PyObject* self, PyObject* const* args, Py_ssize_t count)
{
   if (count != 2) Py_RETURN_NONE;
   return answer_to_named(*reinterpret_cast<Caller*>(self)->state, args[0], args[1]);
}

/// Adds the plan for some inputs: their arrays, the sizes, bytes of scratch memory, the shape of each output's memory.
PyObject* learn(PyObject* self, PyObject* args)
{
   State& s = *reinterpret_cast<Caller*>(self)->state;
   PyObject *arrays = nullptr, *sizes = nullptr, *memory = nullptr;
   unsigned long long bytes = 0;
   if (!PyArg_ParseTuple(args, "O!O!KO!", &PyTuple_Type, &arrays, &PyTuple_Type, &sizes, &bytes, &PyTuple_Type, &memory)) return nullptr;
   if (static_cast<std::size_t>(PyTuple_GET_SIZE(arrays)) != s.inputs.size() || s.inputs.size() > most_arguments ||
       static_cast<std::size_t>(PyTuple_GET_SIZE(memory)) != s.outputs.size())
      Py_RETURN_NONE;
   const void* data[most_arguments] = {};
   PyObject* inputs[most_arguments] = {};
   for (std::size_t i = 0; i < s.inputs.size(); i++) inputs[i] = PyTuple_GET_ITEM(arrays, static_cast<Py_ssize_t>(i));
   Key key;
   if (!look(s, inputs, data, key)) Py_RETURN_NONE;
   auto plan = std::make_shared<Plan>();
   plan->key.assign(key.words.begin(), key.words.begin() + static_cast<std::ptrdiff_t>(key.count));
   plan->bytes = static_cast<std::size_t>(bytes);
   for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sizes); i++) plan->sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(sizes, i)));
   for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(memory); i++) {
      PyObject* shape = PyTuple_GET_ITEM(memory, i);
      plan->memory.emplace_back();
      for (Py_ssize_t axis = 0; PyTuple_Check(shape) && axis < PyTuple_GET_SIZE(shape); axis++)
         plan->memory.back().push_back(static_cast<npy_intp>(PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, axis))));
   }
   if (PyErr_Occurred()) return nullptr;
   s.plans[key.hash % s.plans.size()] = std::move(plan);
   Py_RETURN_NONE;
}

/// How many workspaces are kept for the next calls.
PyObject* idle(PyObject* self, PyObject*) { return PyLong_FromSize_t(reinterpret_cast<Caller*>(self)->state->idle.size()); }

/// (name, dtype, rank, whether its values decide sizes) for each argument.
bool arguments_of(PyObject* rows, std::vector<Argument>& arguments)
{
   for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); i++) {
      PyObject *name = nullptr, *dtype = nullptr;
      Argument argument;
      int by_value = 0;
      if (!PyArg_ParseTuple(PyTuple_GET_ITEM(rows, i), "UO!ip", &name, &PyArrayDescr_Type, &dtype, &argument.rank, &by_value)) return false;
      Py_INCREF(name);
      PyUnicode_InternInPlace(&name);
      argument.name = Owned(name);
      argument.dtype = Owned::another(dtype);
      argument.by_value = by_value != 0;
      arguments.push_back(std::move(argument));
   }
   return true;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject*)
{
   unsigned long long infer = 0, make_one = 0, free_one = 0, model = 0;
   PyObject *keep = nullptr, *inputs = nullptr, *outputs = nullptr, *outputs_type = nullptr, *names = nullptr;
   int steady = 0;
   if (!PyArg_ParseTuple(args, "KKKKOO!O!O!Op", &infer, &make_one, &free_one, &model, &keep, &PyTuple_Type, &inputs, &PyTuple_Type, &outputs, &PyType_Type,
                         &outputs_type, &names, &steady))
      return nullptr;
   auto state = std::make_unique<State>();
   state->infer = reinterpret_cast<Infer>(static_cast<std::uintptr_t>(infer));
   state->make = reinterpret_cast<New>(static_cast<std::uintptr_t>(make_one));
   state->free = reinterpret_cast<Free>(static_cast<std::uintptr_t>(free_one));
   state->idle.reserve(64);
   state->model = reinterpret_cast<void*>(static_cast<std::uintptr_t>(model));
   state->keep = Owned::another(keep);
   state->outputs_type = Owned::another(outputs_type);
   state->outputs_names = Owned::another(names);
   state->steady = steady != 0;
   if (!arguments_of(inputs, state->inputs) || !arguments_of(outputs, state->outputs)) return nullptr;
   auto* made = reinterpret_cast<Caller*>(type->tp_alloc(type, 0));
   if (!made) return nullptr;
   made->vectorcall = call;
   made->state = state.release();
   return reinterpret_cast<PyObject*>(made);
}

void drop(PyObject* self)
{
   delete reinterpret_cast<Caller*>(self)->state;
   Py_TYPE(self)->tp_free(self);
}

PyMethodDef methods[] = {
   {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(run_named)), METH_FASTCALL, "The outputs by name, or None."},
   {"learn", learn, METH_VARARGS, "Adds a plan."},
   {"idle", idle, METH_NOARGS, "How many workspaces are kept."},
   {nullptr, nullptr, 0, nullptr},
};

PyTypeObject type = {PyVarObject_HEAD_INIT(nullptr, 0)};

/// A method of Python's, `__call__` or `run`, that is asked only where the object's `_caller` has no answer.
struct Method {
   PyObject_HEAD
   vectorcallfunc vectorcall;
   PyObject* otherwise;
   int is_run;
};

PyObject* call_method(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* names)
{
   const auto given = static_cast<std::size_t>(PyVectorcall_NARGS(flags));
   if (given > 0) {
      const Owned caller(PyObject_GetAttr(args[0], caller_name));
      if (!caller.get()) return nullptr;
      const auto& method = *reinterpret_cast<Method*>(self);
      const bool plain = !method.is_run || (given == 2 && !names);
      if (plain && Py_TYPE(caller.get()) == &type) {
         State& s = *reinterpret_cast<Caller*>(caller.get())->state;
         PyObject* found = method.is_run ? answer_to_named(s, args[1], nullptr) : answer_to(s, args + 1, given - 1, names, args + given);
         if (found != Py_None) return found;
         Py_DECREF(found);
      }
   }
   return PyObject_Vectorcall(reinterpret_cast<Method*>(self)->otherwise, args, given, names);
}

PyObject* bind(PyObject* self, PyObject* object, PyObject*)
{
   if (object && object != Py_None) return PyMethod_New(self, object);
   Py_INCREF(self);
   return self;
}

PyObject* make_method(PyTypeObject* method, PyObject* args, PyObject*)
{
   PyObject* otherwise = nullptr;
   int is_run = 0;
   if (!PyArg_ParseTuple(args, "Op", &otherwise, &is_run)) return nullptr;
   auto* made = reinterpret_cast<Method*>(method->tp_alloc(method, 0));
   if (!made) return nullptr;
   Py_INCREF(otherwise);
   made->vectorcall = call_method;
   made->otherwise = otherwise;
   made->is_run = is_run;
   return reinterpret_cast<PyObject*>(made);
}

void drop_method(PyObject* self)
{
   Py_DECREF(reinterpret_cast<Method*>(self)->otherwise);
   Py_TYPE(self)->tp_free(self);
}

PyObject* wrapped(PyObject* self, void*) { return Owned::another(reinterpret_cast<Method*>(self)->otherwise).release(); }
PyObject* doc(PyObject* self, void*) { return PyObject_GetAttrString(reinterpret_cast<Method*>(self)->otherwise, "__doc__"); }

PyGetSetDef method_members[] = {
   {"__wrapped__", wrapped, nullptr, nullptr, nullptr},
   {"__doc__", doc, nullptr, nullptr, nullptr},
   {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyTypeObject method_type = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "onnx_bridge_caller", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_onnx_bridge_caller()
{
   import_array();
   type.tp_name = "onnx_bridge.Caller";
   type.tp_basicsize = sizeof(Caller);
   type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
   type.tp_vectorcall_offset = offsetof(Caller, vectorcall);
   type.tp_call = PyVectorcall_Call;
   type.tp_methods = methods;
   type.tp_new = make;
   type.tp_dealloc = drop;
   method_type.tp_name = "onnx_bridge.Method";
   method_type.tp_basicsize = sizeof(Method);
   method_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR;
   method_type.tp_vectorcall_offset = offsetof(Method, vectorcall);
   method_type.tp_call = PyVectorcall_Call;
   method_type.tp_descr_get = bind;
   method_type.tp_getset = method_members;
   method_type.tp_new = make_method;
   method_type.tp_dealloc = drop_method;
   caller_name = PyUnicode_InternFromString("_caller");
   names_name = PyUnicode_InternFromString("names");
   if (!caller_name || !names_name || PyType_Ready(&type) < 0 || PyType_Ready(&method_type) < 0) return nullptr;
   PyObject* made = PyModule_Create(&module);
   if (made && (PyModule_AddObjectRef(made, "Caller", reinterpret_cast<PyObject*>(&type)) < 0 ||
                PyModule_AddObjectRef(made, "Method", reinterpret_cast<PyObject*>(&method_type)) < 0))
      Py_CLEAR(made);
   return made;
}
