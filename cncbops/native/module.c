/* The module `cncbops.native.hot`; hot.pyi says what its functions do. */

#include "native.h"

#include "base64.h"
#include "unwritten.h"

static PyMethodDef functions[] = {
    {"read_events", read_events, METH_VARARGS, NULL},
    {"read_records", (PyCFunction)(void (*)(void))read_records, METH_VARARGS | METH_KEYWORDS, NULL},
    {"make_records", make_records, METH_VARARGS, NULL},
    {"payload", payload, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cncbops.native.hot",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_hot(void)
{
    base64_prepare();
    if (!prepare_records())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddType(module, &unwritten_type) < 0)
        Py_CLEAR(module);
    return module;
}
