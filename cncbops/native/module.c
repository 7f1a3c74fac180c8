/* The module `cncbops.native.hot`; hot.pyi says what its functions do. */

#include "native.h"

#include "any_record.h"
#include "base64.h"
#include "digest_map.h"
#include "fault_causes.h"
#include "packed_record.h"
#include "packed_unit.h"
#include "sha256.h"
#include "shelving.h"

#define FUNCTION(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
    FUNCTION(read_events),
    {"read_records", (PyCFunction)(void (*)(void))read_records, METH_VARARGS | METH_KEYWORDS, NULL},
    FUNCTION(make_records),
    {"read_units", (PyCFunction)(void (*)(void))read_units, METH_VARARGS | METH_KEYWORDS, NULL},
    {"sum_units", sum_units, METH_O, NULL},
    {"unit_digests", unit_digests, METH_O, NULL},
    FUNCTION(place_units),
    {"units_alike", units_alike, METH_O, NULL},
    {"alike", alike, METH_O, NULL},
    FUNCTION(payload),
    {"measured", measured, METH_O, NULL},
    {"places", places, METH_O, NULL},
    {"objects", objects, METH_VARARGS, NULL},
    {"mark_digests", mark_digests, METH_VARARGS, NULL},
    {"marked_digests", marked_digests, METH_VARARGS, NULL},
    {"sorted_entries", sorted_entries, METH_VARARGS, NULL},
    {"merged_entries", merged_entries, METH_VARARGS, NULL},
    {"pack_records", pack_records, METH_O, NULL},
    {"unpack_records", unpack_records, METH_VARARGS, NULL},
    {"filled", filled, METH_VARARGS, NULL},
    FUNCTION(exchange),
    FUNCTION(receive),
    {"usual_head", usual_head, METH_O, NULL},
    {"signed_head", signed_head, METH_VARARGS, NULL},
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
    if (!prepare_packed() || !prepare_packed_records() || !prepare_packed_units() || !prepare_any_record() ||
        !prepare_records() || !prepare_shelving() || !prepare_filling() || !prepare_fault_causes() ||
        !prepare_sha256())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module &&
        (PyModule_AddType(module, &packed_record_type) < 0 || PyModule_AddType(module, &packed_unit_type) < 0 ||
         PyModule_AddType(module, &digest_map_type) < 0 || PyModule_AddType(module, &shelving_type) < 0))
        Py_CLEAR(module);
    return module;
}
