#ifndef WIRE_RULE_FILE_H
#define WIRE_RULE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/dated_rule.h"
#include "domain/eligibility_rules.h"
#include "wire/wire.h"

/*
 * What the files of rules have in common (config/eligibility, config/tariffs, config/honours): words, texts in both
 * languages, how well a number is evidenced, sources that are named by their id, laws with their dates, open questions
 * with their answers. Every fault comes with its JSON pointer.
 */

enum { RULE_CODE_MAX = 60, RULE_ARTICLE_MAX = 60, RULE_LIST_MAX = 200 };

struct rule_file {
	struct arena *arena;
	struct error *err;
	struct rule_source *sources;
	size_t        nsources;
	struct law   *laws;
	size_t        nlaws;
};

/* Lower-case letters, digits, '_', '-' and '.': ids go into JSON, options and lines of text. */
bool rule_file_code(struct wire_reader *reader, const char *name, const char **out);
void rule_file_bilingual(struct wire_reader *reader, const char *name, enum wire_need need, const char *out[LANGUAGE_COUNT]);
void rule_file_evidence(struct wire_reader *reader, enum evidence *out);
/* The member "sources" as one text, "s2, s8". */
void rule_file_source_ids(struct rule_file *file, struct wire_reader *reader, const char **out);
/* "all", or an array of components. */
bool rule_file_components(struct wire_reader *reader, const char *name, enum wire_need need, unsigned *out);
/* at_least or over, at_most or under, of the object itself; and of a member. */
void rule_file_limits(struct wire_reader *reader, struct range *range);
void rule_file_range(struct wire_reader *reader, const char *name, enum wire_need need, struct range *range);

/* Every entry of a list by read(); *list is of the arena, with what stood in it before in front. */
void rule_file_list(struct rule_file *file, struct wire_reader *reader, const char *name, size_t entry_size, void **list,
		    size_t *count, void (*read)(struct rule_file *file, struct wire_reader *reader, void *entry));
/* "sunday, monday" of words that end with NULL. */
const char *rule_file_words(struct arena *arena, const char *const *words);

/* The list /sources: before whatever names one. */
void rule_file_sources(struct rule_file *file, struct wire_reader *reader);
/* The list /laws: after the sources, before the rules. */
void rule_file_laws(struct rule_file *file, struct wire_reader *reader);
/* What a rule with a law has: rule, law, article, evidence, sources, valid_from, valid_to (else its law's), note. */
void rule_file_dated(struct rule_file *file, struct wire_reader *reader, struct dated_rule *rule);
/* The list /parameters: every question of the table (ended by a row without a name) once; answers beside them. */
void rule_file_questions(struct rule_file *file, struct wire_reader *reader, const struct open_question *questions,
			 struct question_answer *answers);

#endif
