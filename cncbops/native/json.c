#include "json.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ascii.h"
#include "utf8.h"

#define DEEPEST 64

/* So many bytes are looked at together. */
enum { BLOCK = 64 };

/* Text that is read up to `end`, and which of the bytes of a block of it are special, the first in the lowest bit: so it
   is found once for many what comes next. */
typedef struct {
    const char *block, *end;
    uint64_t special;
} Scan;

static const char *value(Scan *scan, const char *at, int depth);
static const char *object(Scan *scan, const char *at, Field *fields, size_t count, int depth);

/* Whether a byte of a string does not stand for itself. */
static inline bool is_escaped(char byte)
{
    return byte == '"' || byte == '\\' || (unsigned char)byte < 0x20;
}

/* Which of STEP bytes are special: quotes, backslashes, control characters, and what is not ASCII. */

#if defined(__SSE2__)

enum { STEP = 16 };

static inline uint64_t special_among(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')); /* what is not ASCII is less than 0 */
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others));
}

#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

enum { STEP = 8 };

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* The highest bit of each byte that is at least as large, where both are less than 0x80. */
static inline uint64_t at_least(uint64_t bytes, unsigned char least)
{
    return bytes + EACH_BYTE(0x80 - least);
}

static inline uint64_t special_among(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, STEP);
    uint64_t low = bytes & EACH_BYTE(0x7f);
    uint64_t plain = at_least(low, 0x20) & at_least(low ^ EACH_BYTE('"'), 1) & at_least(low ^ EACH_BYTE('\\'), 1);
    uint64_t special = (~plain | bytes) & EACH_BYTE(0x80);
    return (special >> 7) * 0x0102040810204080ULL >> 56; /* the bits of all bytes next to each other */
}

#else

enum { STEP = 1 };

static inline uint64_t special_among(const char *at)
{
    return is_escaped(*at) || !is_ascii(*at);
}

#endif

static inline uint64_t special_of(const char *block)
{
    uint64_t special = 0;
    for (int at = 0; at < BLOCK; at += STEP)
        special |= special_among(block + at) << at;
    return special;
}

/* Has the scan look at the block that begins at a place; what is behind the end is special. */
static void look_at(Scan *scan, const char *at)
{
    scan->block = at;
    if (scan->end - at >= BLOCK) {
        scan->special = special_of(at);
    } else {
        char last[BLOCK] = {0};
        memcpy(last, at, scan->end - at);
        scan->special = special_of(last);
    }
}

/* The next byte that is special, or the end. */
static inline const char *next_special(Scan *scan, const char *at)
{
    while (true) {
        size_t within = (size_t)(at - scan->block);
        uint64_t left = within < BLOCK ? scan->special >> within : 0;
        if (left)
            return at + __builtin_ctzll(left);
        at = within < BLOCK ? scan->block + BLOCK : at;
        look_at(scan, at);
    }
}

bool json_is_plain(const char *text, size_t length)
{
    bool is_plain = true;
    for (size_t at = 0; at < length; at++)
        is_plain &= !is_escaped(text[at]);
    return is_plain;
}

/* Past an escape, of which `at` is the backslash; NULL for half of a surrogate pair. */
static const char *escape(const char *at, const char *end)
{
    if (end - at < 2)
        return NULL;
    if (at[1] != 'u')
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    if (end - at < 6 || !is_hex(at[2]) || !is_hex(at[3]) || !is_hex(at[4]) || !is_hex(at[5]))
        return NULL;
    bool may_be_surrogate = (at[2] == 'd' || at[2] == 'D') && at[3] >= '8';
    return may_be_surrogate ? NULL : at + 6;
}

/* Past a string, of which `at` is the first byte that is special; it is not plain if it has escapes. */
static const char *rest_of_string(Scan *scan, const char *at, bool *is_plain)
{
    while (*at != '"') {
        *is_plain = *is_plain && *at != '\\';
        if (*at == '\\')
            at = escape(at, scan->end);
        else
            at = is_ascii(*at) ? NULL : utf8_past(at, scan->end);
        if (!at)
            return NULL;
        at = next_special(scan, at);
    }
    return at + 1;
}

/* Past a string, of which `at` is the opening quote. */
static inline const char *string(Scan *scan, const char *at, bool *is_plain)
{
    *is_plain = true;
    at = next_special(scan, at + 1);
    return *at == '"' ? at + 1 : rest_of_string(scan, at, is_plain);
}

/* Past the white space before what is expected, if there is any, as there is in hardly any line. */
static inline const char *up_to(const char *at, char expected)
{
    return *at == expected ? at : json_space(at);
}

static const char *digits(const char *at)
{
    const char *start = at;
    while (is_digit(*at))
        at++;
    return at > start ? at : NULL;
}

static const char *number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : digits(at);
    return at && *at == '.' ? digits(at + 1) : at;
}

static const char *word(const char *at, const char *end, const char *expected, ptrdiff_t length)
{
    return end - at >= length && memcmp(at, expected, length) == 0 ? at + length : NULL;
}

static const char *array(Scan *scan, const char *at, int depth)
{
    at = json_space(at + 1);
    if (*at == ']')
        return at + 1;
    for (;; at = json_space(at + 1)) {
        at = value(scan, at, depth);
        if (!at)
            return NULL;
        at = json_space(at);
        if (*at != ',')
            return *at == ']' ? at + 1 : NULL;
    }
}

static const char *value(Scan *scan, const char *at, int depth)
{
    bool is_plain;
    switch (*at) {
    case '"':
        return string(scan, at, &is_plain);
    case '{':
        return object(scan, at, NULL, 0, depth + 1);
    case '[':
        return depth < DEEPEST ? array(scan, at, depth + 1) : NULL;
    case 't':
        return word(at, scan->end, "true", 4);
    case 'f':
        return word(at, scan->end, "false", 5);
    case 'n':
        return word(at, scan->end, "null", 4);
    default:
        return number(at);
    }
}

static Field *wanted(Field *fields, size_t count, const char *name, size_t length)
{
    for (Field *field = fields; field < fields + count; field++)
        if (field->length == length && *field->name == *name && memcmp(field->name, name, length) == 0)
            return field;
    return NULL;
}

static const char *wanted_value(Scan *scan, Field *field, const char *at, int depth)
{
    if (field->start)
        return NULL;
    field->start = at;
    if (field->inner && *at == '{')
        field->end = object(scan, at, field->inner, field->inner_count, depth + 1);
    else if (*at == '"')
        field->end = string(scan, at, &field->is_plain);
    else
        field->end = value(scan, at, depth);
    return field->end;
}

/* Past one member of an object. */
static const char *member(Scan *scan, const char *at, Field *fields, size_t count, int depth)
{
    const char *name = at + 1;
    bool is_plain;
    at = *at == '"' ? string(scan, at, &is_plain) : NULL;
    if (!at || !is_plain)
        return NULL;
    Field *field = wanted(fields, count, name, at - 1 - name);
    at = up_to(at, ':');
    if (*at != ':')
        return NULL;
    at = up_to(at + 1, '"');
    if (field)
        return wanted_value(scan, field, at, depth);
    return *at == '"' ? string(scan, at, &is_plain) : value(scan, at, depth);
}

/* Past an object that begins at a place, its wanted members found; NULL where it is not a usual one. */
static const char *object(Scan *scan, const char *at, Field *fields, size_t count, int depth)
{
    if (*at != '{' || depth >= DEEPEST)
        return NULL;
    at = up_to(at + 1, '"');
    if (*at == '}')
        return at + 1;
    for (;; at = up_to(at + 1, '"')) {
        at = member(scan, at, fields, count, depth);
        if (!at)
            return NULL;
        at = up_to(at, ',');
        if (*at != ',')
            return *at == '}' ? at + 1 : NULL;
    }
}

/* Forgets what was found of what is wanted. */
static void forget(Field *fields, size_t count)
{
    for (Field *field = fields; field < fields + count; field++) {
        field->start = field->end = NULL;
        field->is_plain = false;
        if (field->inner)
            forget(field->inner, field->inner_count);
    }
}

const char *json_line(const char *line, const char *end, Field *whole)
{
    Scan scan = {.end = end};
    forget(whole->inner, whole->inner_count);
    look_at(&scan, line);
    whole->start = json_space(line);
    whole->end = object(&scan, whole->start, whole->inner, whole->inner_count, 0);
    if (!whole->end)
        return NULL;
    const char *behind = json_space(whole->end);
    return behind == end ? end : *behind == '\n' ? behind + 1 : NULL;
}
