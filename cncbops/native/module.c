/* The module `cncbops.native.hot`; hot.pyi says what its functions do. */

#include "native.h"

#include "unwritten.h"

#define FUNCTION(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
    FUNCTION(read_envelopes),
    FUNCTION(read_eventbridge),
    FUNCTION(read_raw),
    FUNCTION(make_records),
    FUNCTION(read_units),
    FUNCTION(payload),
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
    if (!prepare_records() || !prepare_units())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddType(module, &unwritten_type) < 0)
        Py_CLEAR(module);
    return module;
}
