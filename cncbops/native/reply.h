/* The head of an answer of HTTP/1.1, as nearly all are. */

#ifndef CNCBOPS_REPLY_H
#define CNCBOPS_REPLY_H

#include "native.h"

/* It lies in the bytes that came: the lines of its headers up to `end`, behind which the body begins. `length` is how
   many bytes of that it says follow; `status` is 0 where there is none. */
typedef struct {
    int status;
    size_t length;
    const char *lines;
    const char *end;
} Head;

/* Takes the head off what came of an answer, with no more behind it than its body; false where it is not whole, or in
   any way unusual. Python's lock need not be held. */
bool head_take(const char *start, size_t size, Head *head);

/* A tuple of its status, its headers and the length of its body; NULL with an exception set. */
PyObject *head_object(const Head *head);

#endif
