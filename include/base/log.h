#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * One line per event on standard error: `event key=value ...`. A line is one
 * write(2), so threads do not mix. Control characters become '?'. Personal
 * data (names, numbers, phones, message texts) never goes in.
 *
 *	log_info("round_changed", "id=%s verb=%s", id, verb);
 *
 * Values that may hold blanks are quoted by the caller: key="%s".
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);    /* before threads start */
void log_write(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line that is a record itself: written as "info" whatever the level is. */
void log_record(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(event, ...)   log_write(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_write(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...)    log_write(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   log_write(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
