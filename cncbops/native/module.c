/* The module `cncbops.native.hot`; hot.pyi says what its functions do. */

#include "native.h"

#include "base64.h"
#include "any_record.h"

#define FUNCTION(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
    FUNCTION(read_events),
    {"read_records", (PyCFunction)(void (*)(void))read_records, METH_VARARGS | METH_KEYWORDS, NULL},
    FUNCTION(make_records),
    FUNCTION(read_units),
    FUNCTION(payload),
    {"measured", measured, METH_O, NULL},
    {"places", places, METH_O, NULL},
    FUNCTION(put_on_shelves),
    FUNCTION(ask),
    FUNCTION(receive),
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cncbops.native.hot",
    .m_size = -1,
    .m_methods = functions,
};

bool has_arguments(Py_ssize_t count, Py_ssize_t expected)
{
    if (count != expected)
        PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", expected, count);
    return count == expected;
}

PyMODINIT_FUNC PyInit_hot(void)
{
    base64_prepare();
    if (!prepare_packed() || !prepare_any_record() || !prepare_records() || !prepare_units())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddType(module, &packed_type) < 0)
        Py_CLEAR(module);
    return module;
}
