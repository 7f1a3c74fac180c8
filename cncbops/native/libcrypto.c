#include "libcrypto.h"

#include "native.h"

#include <dlfcn.h>

/* EVP_MD_CTX, EVP_MD and ENGINE. */
typedef void Context;
typedef const void Kind;
typedef void Engine;

/* Each of these returns 1 where it succeeds. There is one context, as Python's lock is held while it is used; it is
   NULL where the library is not found. */
static struct {
    Context *context;
    Kind *kind;
    int (*begin)(Context *context, Kind *kind, Engine *engine);
    int (*update)(Context *context, const void *data, size_t length);
    int (*end)(Context *context, unsigned char *digest, unsigned int *length);
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

/* OpenSSL 3 would look for the implementation with each digest, if this were not done once. */
static Kind *kind_found(void *library)
{
    Kind *(*fetch)(void *context, const char *name, const char *properties) = dlsym(library, "EVP_MD_fetch");
    Kind *(*older)(void) = dlsym(library, "EVP_sha256");
    return fetch ? fetch(NULL, "SHA256", NULL) : older ? older() : NULL;
}

void prepare_libcrypto(void)
{
    void *library = library_loaded();
    if (!library)
        return;
    Context *(*make)(void) = dlsym(library, "EVP_MD_CTX_new");
    sha256.begin = dlsym(library, "EVP_DigestInit_ex");
    sha256.update = dlsym(library, "EVP_DigestUpdate");
    sha256.end = dlsym(library, "EVP_DigestFinal_ex");
    if (make && sha256.begin && sha256.update && sha256.end && (sha256.kind = kind_found(library)))
        sha256.context = make();
}

bool libcrypto_sha256(const Slice *pieces, size_t count, unsigned char *digest)
{
    bool is_well = sha256.context && sha256.begin(sha256.context, sha256.kind, NULL) == 1;
    for (size_t at = 0; is_well && at < count; at++)
        is_well = sha256.update(sha256.context, pieces[at].start, slice_length(pieces[at])) == 1;
    return is_well && sha256.end(sha256.context, digest, NULL) == 1;
}
