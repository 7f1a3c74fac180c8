/* The signed head of a request: what `cncbops.wire.signing` makes of the same templates. */

#include "native.h"

#include "sha256.h"

enum { KEY_BYTES = 32, BLOCK_BYTES = 64, HEX_BYTES = 2 * SHA256_BYTES };

/* The pieces of a template, each as it stands there or the value whose number stands there. */
typedef struct {
    Slice *pieces;
    size_t count;
} Filled;

static bool slice_of(PyObject *bytes, Slice *slice)
{
    char *start;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &start, &length) < 0)
        return false;
    *slice = (Slice){start, start + length};
    return true;
}

/* The value of a number; the signature is behind all that are given. */
static bool value_of(PyObject *number, PyObject *values, Slice signature, Slice *value)
{
    Py_ssize_t at = PyLong_AsSsize_t(number), count = PyTuple_GET_SIZE(values);
    if (at >= 0 && at < count)
        return slice_of(PyTuple_GET_ITEM(values, at), value);
    *value = signature;
    bool is_signature = at == count && signature.start;
    if (!is_signature && !PyErr_Occurred())
        PyErr_SetString(PyExc_IndexError, "no such value");
    return is_signature;
}

/* Fills a template, whose pieces are to be freed in any case; false with an exception set. */
static bool fill(Filled *filled, PyObject *template, PyObject *values, Slice signature)
{
    filled->count = (size_t)PyTuple_GET_SIZE(template);
    filled->pieces = PyMem_New(Slice, filled->count);
    if (!filled->pieces) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t at = 0; at < filled->count; at++) {
        PyObject *piece = PyTuple_GET_ITEM(template, at);
        Slice *to = &filled->pieces[at];
        if (PyLong_Check(piece) ? !value_of(piece, values, signature, to) : !slice_of(piece, to))
            return false;
    }
    return true;
}

/* Writes the SHA-256 of a text in hexadecimal; false with an exception set. */
static bool hash_template(PyObject *template, PyObject *values, char *to)
{
    Filled filled;
    unsigned char digest[SHA256_BYTES];
    bool is_hashed =
        fill(&filled, template, values, (Slice){0}) && sha256_of(filled.pieces, filled.count, digest);
    PyMem_Free(filled.pieces);
    if (is_hashed)
        write_hexadecimal(digest, SHA256_BYTES, to);
    return is_hashed;
}

/* One of the two hashes of HMAC, which differ in what is laid over the key (RFC 2104). */
static bool hash_keyed(Slice key, unsigned char over, const Slice texts[2], unsigned char *digest)
{
    char block[BLOCK_BYTES];
    for (int at = 0; at < BLOCK_BYTES; at++)
        block[at] = (char)((at < KEY_BYTES ? (unsigned char)key.start[at] : 0) ^ over);
    const Slice pieces[] = {{block, block + BLOCK_BYTES}, texts[0], texts[1]};
    return sha256_of(pieces, COUNT(pieces), digest);
}

/* Writes the HMAC-SHA256 of two texts in hexadecimal; false with an exception set. */
static bool sign(Slice key, Slice first, Slice second, char *to)
{
    unsigned char digest[SHA256_BYTES];
    const Slice inner[] = {first, second};
    const char *end = (char *)digest + SHA256_BYTES;
    const Slice outer[] = {{(char *)digest, end}, {end, end}};
    if (!hash_keyed(key, 0x36, inner, digest) || !hash_keyed(key, 0x5c, outer, digest))
        return false;
    write_hexadecimal(digest, SHA256_BYTES, to);
    return true;
}

static PyObject *signed_with(PyObject *template, PyObject *values, Slice signature)
{
    Filled filled;
    PyObject *head = fill(&filled, template, values, signature) ? bytes_joined(filled.pieces, filled.count) : NULL;
    PyMem_Free(filled.pieces);
    return head;
}

PyObject *signed_head(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *canonical, *head, *values;
    Slice to_sign, key;
    Py_ssize_t sign_length, key_length;
    char hashed[HEX_BYTES], signature[HEX_BYTES];
    if (!PyArg_ParseTuple(arguments, "O!y#y#O!O!", &PyTuple_Type, &canonical, &to_sign.start, &sign_length, &key.start,
                          &key_length, &PyTuple_Type, &head, &PyTuple_Type, &values))
        return NULL;
    if (key_length != KEY_BYTES)
        return PyErr_Format(PyExc_ValueError, "a key of %zd bytes", key_length);
    to_sign.end = to_sign.start + sign_length;
    if (!hash_template(canonical, values, hashed) ||
        !sign(key, to_sign, (Slice){hashed, hashed + HEX_BYTES}, signature))
        return NULL;
    return signed_with(head, values, (Slice){signature, signature + HEX_BYTES});
}
