#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* Of the programs, and what migrations compare with ("Oldest daemon"). The build file has it too. */
#define GIOTHONG_VERSION "0.1.0"

#endif
