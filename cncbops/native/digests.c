#include "digests.h"

#include <string.h>

#define SHA256_BYTES 32

#define PIECE(literal) {literal, literal + sizeof(literal) - 1}
#define ZERO PIECE("\0")

static PyObject *digest_name;

bool prepare_digests(void)
{
    digest_name = PyUnicode_InternFromString("digest");
    return digest_name;
}

static PyObject *joined(const Slice *pieces, size_t count)
{
    ptrdiff_t length = 0;
    for (size_t at = 0; at < count; at++)
        length += slice_length(pieces[at]);
    PyObject *text = PyBytes_FromStringAndSize(NULL, length);
    char *to = text ? PyBytes_AS_STRING(text) : NULL;
    for (size_t at = 0; to && at < count; at++) {
        memcpy(to, pieces[at].start, slice_length(pieces[at]));
        to += slice_length(pieces[at]);
    }
    return text;
}

/* What a hash of hashlib makes of a text; false with an exception set. */
static bool hashed(PyObject *sha256, PyObject *text, unsigned char *digest)
{
    PyObject *hash = PyObject_CallOneArg(sha256, text);
    PyObject *found = hash ? PyObject_CallMethodNoArgs(hash, digest_name) : NULL;
    bool is_digest = found && PyBytes_Check(found) && PyBytes_GET_SIZE(found) == SHA256_BYTES;
    if (is_digest)
        memcpy(digest, PyBytes_AS_STRING(found), SHA256_BYTES);
    else if (found)
        PyErr_SetString(PyExc_TypeError, "no SHA-256");
    Py_XDECREF(hash);
    Py_XDECREF(found);
    return is_digest;
}

/* The SHA-256 of some pieces as one text. */
static bool sha256_of(PyObject *sha256, const Slice *pieces, size_t count, unsigned char *digest)
{
    PyObject *text = joined(pieces, count);
    bool is_digest = text && hashed(sha256, text, digest);
    Py_XDECREF(text);
    return is_digest;
}

/* The first bytes of that. */
static bool digest_of(PyObject *sha256, const Slice *pieces, size_t count, unsigned char *to)
{
    unsigned char digest[SHA256_BYTES];
    if (!sha256_of(sha256, pieces, count, digest))
        return false;
    memcpy(to, digest, DIGEST_BYTES);
    return true;
}

static void write_hexadecimal(const unsigned char *digest, char *to)
{
    for (int at = 0; at < SHA256_BYTES; at++) {
        *to++ = "0123456789abcdef"[digest[at] >> 4];
        *to++ = "0123456789abcdef"[digest[at] & 15];
    }
}

static bool digest_fault(PyObject *sha256, Slice known_as, Slice said, const FaultLine *line, unsigned char *to)
{
    const Slice content[] = {line->time, ZERO, said, ZERO, line->record_id, PIECE(" "), line->data};
    Slice id = line->id;
    unsigned char digest[SHA256_BYTES];
    char hexadecimal[2 * SHA256_BYTES];
    if (!id.start) {
        if (!sha256_of(sha256, content, COUNT(content), digest))
            return false;
        write_hexadecimal(digest, hexadecimal);
        id = (Slice){hexadecimal, hexadecimal + sizeof(hexadecimal)};
    }
    const Slice fault[] = {known_as, ZERO, id};
    return digest_of(sha256, fault, COUNT(fault), to);
}

static bool digest_record(PyObject *sha256, Slice known_as, const FaultLine *line, unsigned char *to)
{
    const Slice record[] = {known_as, ZERO, line->arn, ZERO, line->record_id, PIECE(" "), line->data};
    return digest_of(sha256, record, COUNT(record), to);
}

bool digest(Digests *digests, PyObject *sha256, Slice known_as, Slice said, const FaultLine *line)
{
    return digest_fault(sha256, known_as, said, line, digests->fault) &&
           digest_record(sha256, known_as, line, digests->record);
}
