/* SHA-256 by libcrypto, or where that is not found by hashlib, whose calls cost as much again as what they hash. */

#include "sha256.h"

#include "native.h"

#include "libcrypto.h"

static PyObject *hashlib_sha256, *digest_name;

bool prepare_sha256(void)
{
    PyObject *hashlib = PyImport_ImportModule("hashlib");
    hashlib_sha256 = hashlib ? PyObject_GetAttrString(hashlib, "sha256") : NULL;
    Py_XDECREF(hashlib);
    prepare_libcrypto();
    return hashlib_sha256 && (digest_name = PyUnicode_InternFromString("digest"));
}

static PyObject *digest_made(PyObject *text)
{
    PyObject *hash = PyObject_CallOneArg(hashlib_sha256, text);
    PyObject *digest = hash ? PyObject_CallMethodNoArgs(hash, digest_name) : NULL;
    Py_XDECREF(hash);
    return digest;
}

static bool by_hashlib(const Slice *pieces, size_t count, unsigned char *digest)
{
    PyObject *text = bytes_joined(pieces, count), *made = text ? digest_made(text) : NULL;
    bool is_digest = made && PyBytes_Check(made) && PyBytes_GET_SIZE(made) == SHA256_BYTES;
    if (is_digest)
        memcpy(digest, PyBytes_AS_STRING(made), SHA256_BYTES);
    else if (made)
        PyErr_SetString(PyExc_TypeError, "no SHA-256");
    Py_XDECREF(text);
    Py_XDECREF(made);
    return is_digest;
}

void write_hexadecimal(const unsigned char *bytes, size_t count, char *to)
{
    for (size_t at = 0; at < count; at++) {
        *to++ = "0123456789abcdef"[bytes[at] >> 4];
        *to++ = "0123456789abcdef"[bytes[at] & 15];
    }
}

bool sha256_of(const Slice *pieces, size_t count, unsigned char *digest)
{
    return libcrypto_sha256(pieces, count, digest) || by_hashlib(pieces, count, digest);
}
