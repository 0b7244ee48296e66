#ifndef APP_SAY_H
#define APP_SAY_H

#include "base/error.h"

/* What the programs tell the person who started them. */

/* Vietnamese where the environment asks for it (LC_ALL, LC_MESSAGES, LANG), else English. */
enum language say_language(void);

/* "program: what is wrong" on standard error: one line, and one for each further field. */
void say_error(const char *program, enum language language, const struct error *err);

#endif
