/* JSON as nearly every line of a lake has it, read once from left to right.

   What is read here is valid JSON, and UTF-8. The opposite does not hold: of what is rare (surrogates, exponents, deep
   nesting, a name twice) nothing is decided, and the Python path, which is the reference, reads it.

   Text ends before `end`, where the zero byte follows that is behind every bytes object: so one byte may always be
   looked at. Other lines may follow in it, since no newline is taken for white space. */

#ifndef CNCBOPS_JSON_H
#define CNCBOPS_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* A member of an object that is wanted: `start` and `end` are of its value, NULL until it is found; `is_plain` that it
   is a string without escapes. The members of its value are found in the same pass, if any are wanted of it. Those of
   lines are static, as to make them anew takes a twentieth of the time of reading one: Python's lock is to be held. */
typedef struct Field {
    const char *name;
    size_t length;
    struct Field *inner;
    size_t inner_count;
    const char *start;
    const char *end;
    bool is_plain;
} Field;

/* Past the white space at a place. */
static inline const char *json_space(const char *at)
{
    if ((unsigned char)*at <= ' ') /* nearly all JSON is written without */
        while (*at == ' ' || *at == '\t' || *at == '\r')
            at++;
    return at;
}

/* Past a line that is one object and nothing else, and its newline, the object's wanted members found anew; NULL where
   it is not a usual one. */
const char *json_line(const char *line, const char *end, Field *whole);

/* Whether no byte of a text needs an escape in a JSON string. */
bool json_is_plain(const char *text, size_t length);

#endif
