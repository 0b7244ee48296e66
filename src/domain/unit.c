#include "domain/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

/*
 * Names are looked up in a hash table of every spelling of every unit, folded
 * and without blanks; ids in another. Territory is a set of bits, one per
 * commune that has no predecessor: whatever came later is made of those.
 */
enum { KEY_SIZE = 96, NEAREST_MAX_DISTANCE = 3, NAME_PREFIX_MIN = 3 };

/* A unit and what is worked out about it. */
struct node {
	struct unit unit;
	uint64_t *territory;
	const char *plain; /* folded name without blanks */
	bool resolved, resolving;
};

struct key {
	const char *text; /* NULL: an empty slot */
	uint32_t hash;
	struct node **nodes;
	size_t nnodes;
};

struct unit_map {
	struct arena arena;
	struct node **nodes; /* in order of id, once finished */
	size_t count, cap;
	size_t words;     /* of a territory */
	struct key *keys; /* of spellings */
	size_t nkeys, key_slots;
	struct node **ids; /* open addressing */
	size_t id_slots;
	const char *province; /* folded name; "" */
	bool finished;
};

static const char *const level_texts[] = {
	[UNIT_PROVINCE] = "province",
	[UNIT_DISTRICT] = "district",
	[UNIT_COMMUNE] = "commune",
};

/* How people write the kind of a unit, folded; the first is the full word. */
static const struct {
	const char *type;
	const char *words[4];
} type_words[] = {
	{ "tinh", { "tinh", "t" } },     { "thanh_pho", { "thanh pho", "tp", "t p" } },
	{ "huyen", { "huyen", "h" } },   { "thi_tran", { "thi tran", "tt", "t t" } },
	{ "phuong", { "phuong", "p" } }, { "xa", { "xa", "x" } },
};

const char *unit_level_text(enum unit_level level)
{
	return (unsigned)level < ARRAY_SIZE(level_texts) ? level_texts[level] : "unknown";
}

bool unit_level_parse(const char *text, enum unit_level *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_texts); i++) {
		if (streq(level_texts[i], text)) {
			*level = (enum unit_level)i;
			return true;
		}
	}
	return false;
}

/* ---- building ---- */

struct unit_map *unit_map_new(void)
{
	struct unit_map *map = xcalloc(1, sizeof(*map));

	arena_init(&map->arena);
	return map;
}

void unit_map_free(struct unit_map *map)
{
	if (!map)
		return;
	arena_release(&map->arena);
	free(map->nodes);
	free(map->keys);
	free(map->ids);
	free(map);
}

static const char *const *copy_texts(struct arena *arena, const char *const *texts)
{
	size_t count = 0;
	const char **copy;

	while (texts && texts[count])
		count++;
	copy = arena_alloc(arena, (count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_strdup(arena, texts[i]);
	return copy;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

void unit_map_add(struct unit_map *map, const struct unit *unit)
{
	struct arena *arena = &map->arena;
	struct node *node = arena_alloc(arena, sizeof(*node));

	node->unit = (struct unit){
		.id = arena_strdup(arena, text_or_empty(unit->id)),
		.gso_code = arena_strdup(arena, text_or_empty(unit->gso_code)),
		.level = unit->level,
		.type = arena_strdup(arena, text_or_empty(unit->type)),
		.name = arena_strdup(arena, text_or_empty(unit->name)),
		.full_name = arena_strdup(arena, text_or_empty(unit->full_name)),
		.aliases = copy_texts(arena, unit->aliases),
		.parent = arena_strdup(arena, unit->parent),
		.district = arena_strdup(arena, unit->district),
		.valid_from = unit->valid_from,
		.valid_to = unit->valid_to,
		.predecessors = copy_texts(arena, unit->predecessors),
		.successors = copy_texts(arena, unit->successors),
	};
	if (map->count == map->cap) {
		map->cap = map->cap ? map->cap * 2 : 256;
		map->nodes = xrealloc(map->nodes, map->cap * sizeof(*map->nodes));
	}
	map->nodes[map->count++] = node;
}

static uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static size_t power_above(size_t count)
{
	size_t slots = 64;

	while (slots < count * 2)
		slots *= 2;
	return slots;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp((*(struct node *const *)a)->unit.id, (*(struct node *const *)b)->unit.id);
}

static bool index_ids(struct unit_map *map, struct error *err)
{
	qsort(map->nodes, map->count, sizeof(*map->nodes), compare_ids);
	map->id_slots = power_above(map->count);
	map->ids = xcalloc(map->id_slots, sizeof(struct node *));
	for (size_t i = 0; i < map->count; i++) {
		const char *id = map->nodes[i]->unit.id;
		size_t slot = hash_text(id) & (map->id_slots - 1);

		if (!*id)
			return error_set(err, ERR_MALFORMED, "A unit has no id: give every unit one.",
					 "Có đơn vị không có id: hãy cho mỗi đơn vị một id.");
		if (i > 0 && strcmp(id, map->nodes[i - 1]->unit.id) == 0)
			return error_set(err, ERR_MALFORMED, "The unit %s stands twice: keep one of them.",
					 "Đơn vị %s bị ghi hai lần: chỉ giữ lại một.", id);
		while (map->ids[slot])
			slot = (slot + 1) & (map->id_slots - 1);
		map->ids[slot] = map->nodes[i];
	}
	return true;
}

static struct node *node_by_id(const struct unit_map *map, const char *id)
{
	size_t slot = hash_text(id) & (map->id_slots - 1);

	for (; map->ids[slot]; slot = (slot + 1) & (map->id_slots - 1))
		if (strcmp(map->ids[slot]->unit.id, id) == 0)
			return map->ids[slot];
	return NULL;
}

static bool check_link(const struct unit_map *map, const struct unit *unit, const char *link,
		       struct error *err)
{
	if (!link || node_by_id(map, link))
		return true;
	return error_set(
		err, ERR_MALFORMED, "The unit %s names %s, which is no unit: add it or drop the link.",
		"Đơn vị %s nêu %s, vốn không có: hãy thêm đơn vị đó hoặc bỏ liên kết.", unit->id, link);
}

static bool check_links(const struct unit_map *map, struct error *err)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct unit *unit = &map->nodes[i]->unit;

		if (!check_link(map, unit, unit->parent, err) || !check_link(map, unit, unit->district, err))
			return false;
		for (const char *const *p = unit->predecessors; *p; p++)
			if (!check_link(map, unit, *p, err))
				return false;
		for (const char *const *p = unit->successors; *p; p++)
			if (!check_link(map, unit, *p, err))
				return false;
	}
	return true;
}

/* ---- territory ---- */

static bool lies_in(const struct unit *unit, const struct unit *in)
{
	return streq(unit->parent, in->id) || streq(unit->district, in->id);
}

/* Predecessors of the same level only: a link across levels says what followed, not what a unit is made of.
 */
static bool made_of(const struct unit_map *map, const struct unit *unit, const char *predecessor)
{
	return node_by_id(map, predecessor)->unit.level == unit->level;
}

static void add_territory(const struct unit_map *map, uint64_t *to, const uint64_t *from)
{
	for (size_t i = 0; i < map->words; i++)
		to[i] |= from[i];
}

static bool is_empty(const struct unit_map *map, const uint64_t *territory)
{
	for (size_t i = 0; i < map->words; i++)
		if (territory[i])
			return false;
	return true;
}

/* A commune: of its predecessors, or a bit of its own (given by `index`). A ring of links ends at its entry.
 */
static void resolve_commune(const struct unit_map *map, struct node *node, size_t index)
{
	if (node->resolved || node->resolving)
		return;
	node->resolving = true;
	for (const char *const *p = node->unit.predecessors; *p; p++) {
		if (!made_of(map, &node->unit, *p))
			continue;
		struct node *before = node_by_id(map, *p);
		size_t at = 0;

		while (map->nodes[at] != before)
			at++;
		resolve_commune(map, before, at);
		add_territory(map, node->territory, before->territory);
	}
	if (is_empty(map, node->territory))
		node->territory[index / 64] |= UINT64_C(1) << (index % 64);
	node->resolving = false;
	node->resolved = true;
}

/* A district: its communes; the province: everything in it, at any depth. */
static void resolve_above(const struct unit_map *map, enum unit_level level)
{
	for (size_t i = 0; i < map->count; i++) {
		struct node *node = map->nodes[i];

		if (node->unit.level != level)
			continue;
		for (size_t j = 0; j < map->count; j++)
			if (map->nodes[j]->unit.level > level && lies_in(&map->nodes[j]->unit, &node->unit))
				add_territory(map, node->territory, map->nodes[j]->territory);
		if (is_empty(map, node->territory))
			node->territory[i / 64] |= UINT64_C(1) << (i % 64);
	}
}

static void resolve_territories(struct unit_map *map)
{
	map->words = (map->count + 63) / 64;
	for (size_t i = 0; i < map->count; i++)
		map->nodes[i]->territory = arena_alloc(&map->arena, (map->words + 1) * sizeof(uint64_t));
	for (size_t i = 0; i < map->count; i++)
		if (map->nodes[i]->unit.level == UNIT_COMMUNE)
			resolve_commune(map, map->nodes[i], i);
	resolve_above(map, UNIT_DISTRICT);
	resolve_above(map, UNIT_PROVINCE);
}

/* ---- spellings ---- */

static struct key *find_key(const struct unit_map *map, const char *text)
{
	uint32_t hash = hash_text(text);
	size_t slot = hash & (map->key_slots - 1);

	for (; map->keys[slot].text; slot = (slot + 1) & (map->key_slots - 1))
		if (map->keys[slot].hash == hash && strcmp(map->keys[slot].text, text) == 0)
			break;
	return &map->keys[slot];
}

static void grow_keys(struct unit_map *map)
{
	struct key *old = map->keys;
	size_t old_slots = map->key_slots;

	map->key_slots = old_slots ? old_slots * 2 : 1024;
	map->keys = xcalloc(map->key_slots, sizeof(*map->keys));
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].text)
			*find_key(map, old[i].text) = old[i];
	free(old);
}

/* Keys have few units, so a list grows by copying. */
static void add_key(struct unit_map *map, const char *spelling, struct node *node)
{
	char text[KEY_SIZE];

	fold_typed(spelling, text, sizeof(text));
	if (fold_squash(text) == 0)
		return;
	if (map->nkeys * 2 >= map->key_slots)
		grow_keys(map);
	struct key *key = find_key(map, text);

	for (size_t i = 0; i < key->nnodes; i++)
		if (key->nodes[i] == node)
			return;
	if (!key->text) {
		key->text = arena_strdup(&map->arena, text);
		key->hash = hash_text(text);
		map->nkeys++;
	}
	struct node **nodes = arena_alloc(&map->arena, (key->nnodes + 1) * sizeof(struct node *));

	if (key->nnodes)
		memcpy(nodes, key->nodes, key->nnodes * sizeof(struct node *));
	nodes[key->nnodes++] = node;
	key->nodes = nodes;
}

/* The name with every way to write its kind before it. */
static void add_typed_keys(struct unit_map *map, const char *name, struct node *node)
{
	char spelling[KEY_SIZE * 2];

	add_key(map, name, node);
	for (size_t i = 0; i < ARRAY_SIZE(type_words); i++) {
		if (!streq(type_words[i].type, node->unit.type))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(type_words[i].words) && type_words[i].words[j]; j++) {
			snprintf(spelling, sizeof(spelling), "%s %s", type_words[i].words[j], name);
			add_key(map, spelling, node);
		}
	}
}

/* Past a word for a kind of unit at the front of folded text ("huyen than uyen"); the text itself when there
 * is none. */
static const char *after_type_word(const char *folded)
{
	const char *best = folded;

	for (size_t i = 0; i < ARRAY_SIZE(type_words); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(type_words[i].words) && type_words[i].words[j]; j++) {
			size_t len = strlen(type_words[i].words[j]);

			if (strncmp(folded, type_words[i].words[j], len) == 0 && folded[len] == ' ' &&
			    folded + len + 1 > best)
				best = folded + len + 1;
		}
	}
	return best;
}

static void index_names(struct unit_map *map)
{
	char folded[KEY_SIZE];

	map->province = "";
	grow_keys(map);
	for (size_t i = 0; i < map->count; i++) {
		struct node *node = map->nodes[i];
		const struct unit *unit = &node->unit;

		fold_typed(unit->name, folded, sizeof(folded));
		fold_squash(folded);
		node->plain = arena_strdup(&map->arena, folded);
		if (unit->level == UNIT_PROVINCE)
			map->province = node->plain;
		add_key(map, unit->id, node);
		add_key(map, unit->gso_code, node);
		add_key(map, unit->full_name, node);
		add_typed_keys(map, unit->name, node);
		for (const char *const *alias = unit->aliases; *alias; alias++) {
			add_key(map, *alias, node);
			fold_typed(*alias, folded, sizeof(folded));
			add_typed_keys(map, after_type_word(folded), node);
		}
	}
}

bool unit_map_finish(struct unit_map *map, struct error *err)
{
	if (!index_ids(map, err) || !check_links(map, err))
		return false;
	resolve_territories(map);
	index_names(map);
	map->finished = true;
	return true;
}

/* ---- asking ---- */

size_t unit_count(const struct unit_map *map)
{
	return map->count;
}

const struct unit *unit_at(const struct unit_map *map, size_t index)
{
	return index < map->count ? &map->nodes[index]->unit : NULL;
}

const struct unit *unit_by_id(const struct unit_map *map, const char *id)
{
	struct node *node = id && map->finished ? node_by_id(map, id) : NULL;

	return node ? &node->unit : NULL;
}

bool unit_valid_on(const struct unit *unit, struct date on)
{
	return (date_is_none(unit->valid_from) || date_compare(unit->valid_from, on) <= 0) &&
	       (date_is_none(unit->valid_to) || date_compare(on, unit->valid_to) <= 0);
}

bool unit_has_ended(const struct unit *unit, struct date on)
{
	return !date_is_none(unit->valid_to) && date_compare(on, unit->valid_to) > 0;
}

/* A set of units kept in order of id. */
struct unit_set {
	const struct unit **out;
	size_t max, count;
};

static void set_insert(struct unit_set *set, const struct unit *unit)
{
	size_t kept = set->count < set->max ? set->count : set->max;
	size_t at = 0;

	while (at < kept && strcmp(set->out[at]->id, unit->id) < 0)
		at++;
	if (at < kept && set->out[at] == unit)
		return;
	set->count++;
	if (at >= set->max)
		return;
	if (kept == set->max)
		kept--;
	memmove(&set->out[at + 1], &set->out[at], (kept - at) * sizeof(*set->out));
	set->out[at] = unit;
}

enum { LINK_DEPTH_MAX = 16 };

/* Follows links one way only, so that a ring of them ends. */
static void follow(const struct unit_map *map, const struct unit *unit, struct date on, bool later,
		   struct unit_set *set, int depth)
{
	const char *const *links = later ? unit->successors : unit->predecessors;
	bool same_level = false;

	if (unit_valid_on(unit, on)) {
		set_insert(set, unit);
		return;
	}
	if (depth == LINK_DEPTH_MAX)
		return;
	/* Before a commune came communes; that a district ended with it says nothing of its own land. */
	for (const char *const *p = links; *p && !later; p++)
		same_level |= made_of(map, unit, *p);
	for (const char *const *p = links; *p; p++)
		if (!same_level || made_of(map, unit, *p))
			follow(map, &node_by_id(map, *p)->unit, on, later, set, depth + 1);
}

size_t unit_as_of(const struct unit_map *map, const struct unit *unit, struct date on,
		  const struct unit **out, size_t max)
{
	struct unit_set set = { out, max, 0 };
	bool later = unit_has_ended(unit, on);

	follow(map, unit, on, later, &set, 0);
	return set.count;
}

static bool seated_in(const struct unit_map *map, const struct unit *unit, const struct unit *district)
{
	if (unit->district)
		return streq(unit->district, district->id);
	for (const char *const *p = unit->predecessors; *p; p++) {
		const struct unit *old = &node_by_id(map, *p)->unit;

		if (old->level == UNIT_COMMUNE && streq(old->gso_code, unit->gso_code))
			return streq(old->district, district->id);
	}
	return true;
}

size_t unit_seats(const struct unit_map *map, const struct unit *unit, struct date on,
		  const struct unit **out, size_t max)
{
	size_t found = unit_as_of(map, unit, on, out, max), count = 0;

	if (unit->level != UNIT_DISTRICT || unit_valid_on(unit, on))
		return found;
	for (size_t i = 0; i < found && i < max; i++)
		if (seated_in(map, out[i], unit))
			out[count++] = out[i];
	return count;
}

/* Valid on the day first, then larger before smaller, then the later one, then by id. */
static bool ranks_before(const struct unit *a, const struct unit *b, struct date on)
{
	if (!date_is_none(on) && unit_valid_on(a, on) != unit_valid_on(b, on))
		return unit_valid_on(a, on);
	if (a->level != b->level)
		return a->level < b->level;
	int order = date_compare(b->valid_from, a->valid_from);

	return order ? order < 0 : strcmp(a->id, b->id) < 0;
}

static void set_rank(struct unit_set *set, const struct unit *unit, struct date on)
{
	size_t kept = set->count < set->max ? set->count : set->max;
	size_t at = 0;

	while (at < kept && ranks_before(set->out[at], unit, on))
		at++;
	set->count++;
	if (at >= set->max)
		return;
	if (kept == set->max)
		kept--;
	memmove(&set->out[at + 1], &set->out[at], (kept - at) * sizeof(*set->out));
	set->out[at] = unit;
}

static const struct key *look_up_folded(const struct unit_map *map, const char *folded);

/* Whether some unit of `inner` lies in some larger one of `outer`. */
static bool holds(const struct unit_map *map, const struct key *outer, const struct key *inner)
{
	for (size_t i = 0; i < outer->nnodes; i++)
		for (size_t j = 0; j < inner->nnodes; j++)
			if (outer->nodes[i]->unit.level < inner->nodes[j]->unit.level &&
			    unit_related(map, &outer->nodes[i]->unit, &inner->nodes[j]->unit))
				return true;
	return false;
}

/* A place and after it what holds it, as in addresses: "xa muong than huyen than uyen tinh lai chau". */
static const struct key *look_up_address(const struct unit_map *map, const char *folded)
{
	char text[KEY_SIZE];

	for (const char *blank = strchr(folded, ' '); blank; blank = strchr(blank + 1, ' ')) {
		const struct key *inner, *outer;

		snprintf(text, sizeof(text), "%.*s", (int)(blank - folded), folded);
		fold_squash(text);
		inner = find_key(map, text);
		if (!inner->text)
			continue;
		outer = look_up_folded(map, blank + 1);
		if (outer && holds(map, outer, inner))
			return inner;
	}
	return NULL;
}

/*
 * The spelling as it stands, else without a kind that fits no unit of that name, else without the province
 * after it, else as an address.
 */
static const struct key *look_up_folded(const struct unit_map *map, const char *folded)
{
	char text[KEY_SIZE];
	const struct key *key;
	size_t len, tail = strlen(map->province);

	strcpy(text, folded);
	fold_squash(text);
	key = find_key(map, text);
	if (key->text)
		return key;
	strcpy(text, after_type_word(folded));
	len = fold_squash(text);
	key = find_key(map, text);
	if (key->text)
		return key;
	if (tail > 0 && len > tail && strcmp(text + len - tail, map->province) == 0) {
		text[len - tail] = '\0';
		key = find_key(map, text);
		if (key->text)
			return key;
	}
	return look_up_address(map, folded);
}

static const struct key *look_up(const struct unit_map *map, const char *typed)
{
	char folded[KEY_SIZE];

	return fold_typed(typed, folded, sizeof(folded)) ? look_up_folded(map, folded) : NULL;
}

size_t unit_match(const struct unit_map *map, const char *typed, struct date on, const struct unit **out,
		  size_t max)
{
	const struct key *key = look_up(map, typed);
	struct unit_set set = { out, max, 0 };

	for (size_t i = 0; key && i < key->nnodes; i++)
		set_rank(&set, &key->nodes[i]->unit, on);
	return set.count;
}

/* How far a name is from what was typed; more than NEAREST_MAX_DISTANCE: too far. */
static unsigned name_distance(const char *typed, size_t len, const char *name)
{
	unsigned limit = len <= 3 ? 1 : len <= 7 ? 2 : NEAREST_MAX_DISTANCE;
	unsigned distance = text_distance(typed, name, limit);

	if (distance > limit)
		distance = NEAREST_MAX_DISTANCE + 1;
	if (len >= NAME_PREFIX_MIN && distance > 1 && strncmp(typed, name, len) == 0)
		distance = 1;
	else if (len >= NAME_PREFIX_MIN && distance > 2 && strstr(name, typed))
		distance = 2;
	return distance;
}

struct near {
	const struct node *node;
	unsigned distance;
};

static bool nearer(const struct near *a, const struct near *b, struct date on)
{
	if (a->distance != b->distance)
		return a->distance < b->distance;
	return ranks_before(&a->node->unit, &b->node->unit, on);
}

enum { NEAREST_MAX = 16 };

/* Keeps the best of each name, best first. */
static size_t keep_near(struct near *found, size_t count, size_t max, const struct near *candidate,
			struct date on)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(found[i].node->plain, candidate->node->plain) != 0)
			continue;
		if (!nearer(candidate, &found[i], on))
			return count;
		memmove(&found[i], &found[i + 1], (count - i - 1) * sizeof(*found));
		count--;
		break;
	}
	while (at < count && nearer(&found[at], candidate, on))
		at++;
	if (at >= max)
		return count;
	if (count == max)
		count--;
	memmove(&found[at + 1], &found[at], (count - at) * sizeof(*found));
	found[at] = *candidate;
	return count + 1;
}

size_t unit_nearest(const struct unit_map *map, const char *typed, struct date on, const struct unit **out,
		    size_t max)
{
	struct near found[NEAREST_MAX];
	char folded[KEY_SIZE], text[KEY_SIZE];
	size_t count = 0, len;

	fold_typed(typed, folded, sizeof(folded));
	strcpy(text, after_type_word(folded));
	len = fold_squash(text);
	if (len < 2)
		return 0;
	if (max > NEAREST_MAX)
		max = NEAREST_MAX;
	for (size_t i = 0; i < map->count; i++) {
		struct near candidate = { map->nodes[i], name_distance(text, len, map->nodes[i]->plain) };

		if (candidate.distance <= NEAREST_MAX_DISTANCE)
			count = keep_near(found, count, max, &candidate, on);
	}
	for (size_t i = 0; i < count; i++)
		out[i] = &found[i].node->unit;
	return count;
}

/* Two units of one level that are in force together share no land. */
static bool side_by_side(const struct unit *a, const struct unit *b)
{
	if (a->level != b->level)
		return false;
	bool a_ended = !date_is_none(a->valid_to) && !date_is_none(b->valid_from) &&
		       date_compare(a->valid_to, b->valid_from) < 0;
	bool b_ended = !date_is_none(b->valid_to) && !date_is_none(a->valid_from) &&
		       date_compare(b->valid_to, a->valid_from) < 0;

	return !a_ended && !b_ended;
}

bool unit_related(const struct unit_map *map, const struct unit *place, const struct unit *unit)
{
	const struct node *a = container_of(place, const struct node, unit);
	const struct node *b = container_of(unit, const struct node, unit);

	if (a == b)
		return true;
	if (side_by_side(place, unit))
		return false;
	for (size_t i = 0; i < map->words; i++)
		if (a->territory[i] & b->territory[i])
			return true;
	return false;
}

bool unit_serves(const struct unit_map *map, const struct unit *place, const struct unit *unit)
{
	bool later = !date_is_none(place->valid_to) && !date_is_none(unit->valid_from) &&
		     date_compare(unit->valid_from, place->valid_to) > 0;

	if (place->level == UNIT_DISTRICT && unit->level == UNIT_COMMUNE && later && !seated_in(map, unit, place))
		return false;
	return unit_related(map, place, unit);
}

/* The commune, or what holds it. */
static bool is_within(const struct unit_map *map, const struct unit *commune, const struct unit *scope)
{
	const struct unit *at = commune;

	for (int depth = 0; at && depth < LINK_DEPTH_MAX; depth++) {
		if (at == scope || streq(at->district, scope->id))
			return true;
		at = unit_by_id(map, at->parent);
	}
	return false;
}

/* Whether every commune of a unit in force lies in the scope. */
static bool within_scope(const struct unit_map *map, const struct unit *unit, const struct unit *scope,
			 struct date on)
{
	bool any = false;

	if (is_within(map, unit, scope))
		return true;
	if (unit->level == UNIT_COMMUNE)
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct unit *commune = &map->nodes[i]->unit;

		if (commune->level != UNIT_COMMUNE || !unit_valid_on(commune, on) ||
		    !is_within(map, commune, unit))
			continue;
		any = true;
		if (!is_within(map, commune, scope))
			return false;
	}
	return any;
}

bool unit_covers(const struct unit_map *map, const struct unit *scope, const struct unit *unit,
		 struct date on)
{
	const struct unit *then[64];
	size_t count;

	if (!unit_valid_on(scope, on))
		return false;
	count = unit_as_of(map, unit, on, then, ARRAY_SIZE(then));
	if (count == 0 || count > ARRAY_SIZE(then))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!within_scope(map, then[i], scope, on))
			return false;
	return true;
}
