#include "libcrypto.h"

#include "native.h"

#include <dlfcn.h>
#include <stdint.h>

/* SHA256_CTX, as openssl/sha.h declares it. */
typedef struct {
    uint32_t hash[8], bits_low, bits_high, block[16];
    unsigned int in_block, digest_length;
} State;

/* Each of these returns 1 where it succeeds; they are NULL where the library, or they in it, are not found. The newer
   interface, EVP, takes as long to begin and end a digest as to make one of three hundred bytes. These go past the
   library's providers. */
static struct {
    int (*begin)(State *state);
    int (*update)(State *state, const void *data, size_t length);
    int (*end)(unsigned char *digest, State *state);
} sha256;

/* The path of the module of Python that depends on libcrypto, as bytes; NULL with an exception set. */
static PyObject *path_of_module(void)
{
    PyObject *module = PyImport_ImportModule("_hashlib");
    PyObject *name = module ? PyModule_GetFilenameObject(module) : NULL;
    PyObject *path = name ? PyUnicode_EncodeFSDefault(name) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(name);
    return path;
}

/* That module, in which all is found that it depends on, and nothing else. */
static void *library_loaded(void)
{
    PyObject *path = path_of_module();
    void *library = path ? dlopen(PyBytes_AS_STRING(path), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD) : NULL;
    Py_XDECREF(path);
    PyErr_Clear();
    return library;
}

void prepare_libcrypto(void)
{
    void *library = library_loaded();
    if (!library)
        return;
    sha256.begin = dlsym(library, "SHA256_Init");
    sha256.update = dlsym(library, "SHA256_Update");
    sha256.end = dlsym(library, "SHA256_Final");
}

bool libcrypto_sha256(const Slice *pieces, size_t count, unsigned char *digest)
{
    State state;
    bool is_well = sha256.begin && sha256.update && sha256.end && sha256.begin(&state) == 1;
    for (size_t at = 0; is_well && at < count; at++)
        is_well = sha256.update(&state, pieces[at].start, slice_length(pieces[at])) == 1;
    return is_well && sha256.end(digest, &state) == 1;
}
