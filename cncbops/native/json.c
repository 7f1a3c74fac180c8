#include "json.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define DEEPEST 64

static const char *value(const char *at, const char *end, int depth);

static inline bool is_special(char byte)
{
    return byte == '"' || byte == '\\' || (unsigned char)byte < 0x20;
}

/* Past what is plain of a run, byte by byte. */
static inline const char *plain_bytes(const char *at, const char *end)
{
    while (at < end && !is_special(*at))
        at++;
    return at;
}

#if defined(__SSE2__)

/* Past a run of plain characters: to a quote, a backslash, a control character, or the end. */
static inline const char *plain_run(const char *at, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_min_epu8(bytes, last_control)));
        int found = _mm_movemask_epi8(special);
        if (found)
            return at + __builtin_ctz((unsigned int)found);
    }
    return plain_bytes(at, end);
}

#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* The same, by eights: the first that is none has its highest bit in `special`, where what is above it may be wrong. */
static inline const char *plain_run(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, 8);
        uint64_t quote = bytes ^ EACH_BYTE('"'), backslash = bytes ^ EACH_BYTE('\\');
        uint64_t special = (quote - EACH_BYTE(1)) & ~quote;
        special |= (backslash - EACH_BYTE(1)) & ~backslash;
        special |= (bytes - EACH_BYTE(0x20)) & ~bytes;
        special &= EACH_BYTE(0x80);
        if (special)
            return at + (__builtin_ctzll(special) >> 3);
    }
    return plain_bytes(at, end);
}

#else

static inline const char *plain_run(const char *at, const char *end)
{
    return plain_bytes(at, end);
}

#endif

bool json_is_plain(const char *text, size_t length)
{
    return plain_run(text, text + length) == text + length;
}

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
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

/* Past a string of which `at` is the first character that is not plain. */
static const char *rest_of_string(const char *at, const char *end)
{
    for (; *at == '\\'; at = plain_run(at, end)) {
        at = escape(at, end);
        if (!at)
            return NULL;
    }
    return at < end && *at == '"' ? at + 1 : NULL;
}

/* Past a string, of which `at` is the opening quote. */
static inline const char *string(const char *at, const char *end)
{
    at = plain_run(at + 1, end);
    return *at == '"' && at < end ? at + 1 : rest_of_string(at, end);
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

static const char *array(const char *at, const char *end, int depth)
{
    at = json_space(at + 1);
    if (*at == ']')
        return at + 1;
    for (;; at = json_space(at + 1)) {
        at = value(at, end, depth);
        if (!at)
            return NULL;
        at = json_space(at);
        if (*at != ',')
            return *at == ']' ? at + 1 : NULL;
    }
}

static const char *value(const char *at, const char *end, int depth)
{
    switch (*at) {
    case '"':
        return string(at, end);
    case '{':
        return json_object(at, end, NULL, 0, depth + 1);
    case '[':
        return depth < DEEPEST ? array(at, end, depth + 1) : NULL;
    case 't':
        return word(at, end, "true", 4);
    case 'f':
        return word(at, end, "false", 5);
    case 'n':
        return word(at, end, "null", 4);
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

static const char *wanted_value(Field *field, const char *at, const char *end, int depth)
{
    if (field->start)
        return NULL;
    field->start = at;
    if (field->inner && *at == '{') {
        field->end = json_object(at, end, field->inner, field->inner_count, depth + 1);
    } else if (*at == '"') {
        const char *behind = plain_run(at + 1, end);
        field->is_plain = *behind == '"' && behind < end;
        field->end = field->is_plain ? behind + 1 : rest_of_string(behind, end);
    } else {
        field->end = value(at, end, depth);
    }
    return field->end;
}

/* Past one member of an object. */
static const char *member(const char *at, const char *end, Field *fields, size_t count, int depth)
{
    const char *name = at + 1;
    if (*at != '"')
        return NULL;
    at = plain_run(name, end);
    if (at >= end || *at != '"')
        return NULL;
    Field *field = wanted(fields, count, name, at - name);
    at = json_space(at + 1);
    if (*at != ':')
        return NULL;
    at = json_space(at + 1);
    if (field)
        return wanted_value(field, at, end, depth);
    return *at == '"' ? string(at, end) : value(at, end, depth);
}

const char *json_object(const char *at, const char *end, Field *fields, size_t count, int depth)
{
    if (*at != '{' || depth >= DEEPEST)
        return NULL;
    at = json_space(at + 1);
    if (*at == '}')
        return at + 1;
    for (;; at = json_space(at + 1)) {
        at = member(at, end, fields, count, depth);
        if (!at)
            return NULL;
        at = json_space(at);
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

const char *json_line(const char *line, const char *end, Field *object)
{
    forget(object->inner, object->inner_count);
    object->start = json_space(line);
    object->end = json_object(object->start, end, object->inner, object->inner_count, 0);
    if (!object->end)
        return NULL;
    const char *behind = json_space(object->end);
    return behind == end ? end : *behind == '\n' ? behind + 1 : NULL;
}
