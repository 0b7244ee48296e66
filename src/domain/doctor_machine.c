#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/doctor_checks.h"

/* The settings, the keys and the machine. */

enum { OTHERS_WRITE = 0022, OTHERS_READ = 0004, GROUP_TALKS = 0060, OTHERS_TALK = 0006 };

static void judge_file(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_file *file = &facts->machine.file;

	if (!file->path && file->error.code == ERR_NONE) {
		finding_say(finding, HEALTH_OK, "the settings of a private database (--data)",
			    "thiết đặt của cơ sở dữ liệu riêng (--data)");
		return;
	}
	if (file->error.code != ERR_NONE) {
		finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", file->error.detail[LANGUAGE_EN],
			    file->error.detail[LANGUAGE_VI]);
		finding_advise(finding, "mend it; \"giothong config sample\" shows every setting",
			       "hãy sửa lại; \"giothong config sample\" cho thấy mọi thiết đặt");
		return;
	}
	if (file->known && (file->of_stranger || (file->mode & OTHERS_WRITE))) {
		finding_say(finding, HEALTH_FAILURE,
			    "%s (mode %04o) may be changed by others, who could lead the daemon to a database of theirs",
			    "người khác sửa được %s (quyền %04o) và có thể dẫn chương trình sang cơ sở dữ liệu của họ",
			    file->path, file->mode);
		finding_advise(finding, "chown root %s; chmod go-w %s", "chown root %s; chmod go-w %s", file->path,
			       file->path);
	}
	if (file->known && file->has_password && (file->mode & OTHERS_READ)) {
		finding_say(finding, HEALTH_FAILURE, "%s (mode %04o) holds a password that every user here can read",
			    "%s (quyền %04o) chứa mật khẩu mà mọi người dùng trên máy đọc được", file->path, file->mode);
		finding_advise(finding, "use passfile= in the connection string, or chmod o-r %s",
			       "dùng passfile= trong chuỗi kết nối, hoặc chmod o-r %s", file->path);
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%s is read", "đã đọc %s", file->path);
}

static bool is_everybody(const char *network)
{
	size_t len = strlen(network);

	return len >= 2 && streq(network + len - 2, "/0");
}

static void judge_listener(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;
	bool on_socket = text_starts_with(machine->listen, "unix:") || machine->nsockets > 0;
	bool of_socket = streq(machine->trusted_proxy, "unix");      /* the units say in their own words where to listen */

	if (machine->insecure) {
		finding_say(finding, HEALTH_WARNING, "listen.insecure is on: tokens can be read on the way",
			    "listen.insecure đang bật: mã truy cập có thể bị đọc trên đường truyền");
		finding_advise(finding, "put the proxy in front, set listen.trusted_proxy, take listen.insecure away",
			       "hãy đặt máy chủ trung gian phía trước, đặt listen.trusted_proxy, bỏ listen.insecure");
	}
	if (is_everybody(machine->trusted_proxy)) {
		finding_say(finding, HEALTH_FAILURE,
			    "listen.trusted_proxy is %s: anybody may say whose request it is, and no limit per address holds",
			    "listen.trusted_proxy là %s: ai cũng có thể giả địa chỉ, giới hạn theo địa chỉ vô hiệu",
			    machine->trusted_proxy);
		finding_advise(finding, "name the proxy's address alone, or unix", "chỉ ghi địa chỉ của máy chủ trung gian, hoặc unix");
	}
	if (on_socket && !of_socket) {
		finding_say(finding, HEALTH_WARNING,
			    "listen.trusted_proxy is %s, but the proxy comes by a Unix socket: all clients count as one, and"
			    " share its limits",
			    "listen.trusted_proxy là %s, nhưng máy chủ trung gian đến qua socket Unix: mọi người bị tính là"
			    " một và chung giới hạn", *machine->trusted_proxy ? machine->trusted_proxy : "\"\"");
		finding_advise(finding, "set listen.trusted_proxy = unix", "hãy đặt listen.trusted_proxy = unix");
	} else if (!on_socket && of_socket && machine->unit == UNIT_ABSENT && machine->nprocesses > 0) {
		finding_say(finding, HEALTH_WARNING,
			    "listen.trusted_proxy is unix, but listen.address is %s: a proxy there is not believed, and all"
			    " its clients count as one",
			    "listen.trusted_proxy là unix, nhưng listen.address là %s: máy chủ trung gian ở đó không được tin,"
			    " mọi người qua nó bị tính là một", machine->listen);
		finding_advise(finding, "set listen.trusted_proxy to the proxy's address (127.0.0.1), or listen.address to unix:PATH",
			       "hãy đặt listen.trusted_proxy là địa chỉ của máy chủ trung gian (127.0.0.1), hoặc listen.address là"
			       " unix:ĐƯỜNG-DẪN");
	}
	if (finding->health == HEALTH_OK && on_socket)
		finding_say(finding, HEALTH_OK, "behind a proxy, by Unix sockets", "sau máy chủ trung gian, qua socket Unix");
	else if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "listen.address is %s", "listen.address là %s", machine->listen);
}

/* Without it no link in what people subscribe to; on a machine that serves nobody else that is no fault. */
static void judge_public(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;

	if (*machine->public_url) {
		finding_say(finding, HEALTH_OK, "links lead to %s", "liên kết dẫn đến %s", machine->public_url);
		return;
	}
	finding_say(finding, machine->nsockets > 0 || machine->unit != UNIT_ABSENT ? HEALTH_WARNING : HEALTH_SKIPPED,
		    "public.url is not set: calendars have no links", "chưa đặt public.url: lịch không có liên kết");
	finding_advise(finding, "set public.url = https://HOST, the address under which the public comes",
		       "hãy đặt public.url = https://TÊN-MIỀN, địa chỉ mà công chúng truy cập");
}

static void judge_keyring(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_keyring *keyring = &facts->machine.keyring;

	if (!*keyring->dir) {
		finding_say(finding, HEALTH_SKIPPED, "no folder is set here: under systemd the keys come by LoadCredential=",
			    "không có thư mục nào được đặt: dưới systemd, khóa được nạp bằng LoadCredential=");
		finding_advise(finding, "look at it with --set keyring.dir=/etc/giothong/keyring",
			       "xem bằng --set keyring.dir=/etc/giothong/keyring");
	} else if (!keyring->known) {
		finding_say(finding, HEALTH_SKIPPED, "this user may not look into %s", "người dùng này không xem được %s",
			    keyring->dir);
		finding_advise(finding, "run it as root", "hãy chạy với quyền root");
	} else if (keyring->error.code != ERR_NONE) {
		finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", keyring->error.detail[LANGUAGE_EN],
			    keyring->error.detail[LANGUAGE_VI]);
		finding_advise(finding,
			       "if it is open: cd %s && chown -R %s: . && chmod 0700 . && chmod 0600 *.key; if a key is missing"
			       " or damaged, bring it back from its copy (giothong keyring import); a new database alone gets"
			       " new ones (giothong keyring create)",
			       "nếu đang mở: cd %s && chown -R %s: . && chmod 0700 . && chmod 0600 *.key; nếu khóa mất hay hỏng,"
			       " khôi phục từ bản sao (giothong keyring import); chỉ cơ sở dữ liệu mới dùng khóa mới"
			       " (giothong keyring create)",
			       keyring->dir, facts->machine.private_cluster ? "USER" : "root");
	} else {
		finding_say(finding, HEALTH_OK, "%s is complete and closed to others (active: hash %d, wrap %d, sign %d, suppression %d)",
			    "%s đầy đủ và đóng với người khác (đang dùng: hash %d, wrap %d, sign %d, suppression %d)",
			    keyring->dir, keyring->active[0], keyring->active[1], keyring->active[2],
			    keyring->active[3]);
	}
}

static void no_process(struct finding *finding)
{
	finding_say(finding, HEALTH_SKIPPED, "no giothongd that this user may look at runs here",
		    "không có giothongd nào đang chạy mà người dùng này xem được");
}

/* What the daemon itself asks for (src/app/daemon.c). */
static int64_t descriptors_needed(const struct doctor_machine *machine)
{
	return (int64_t)machine->limits_connections + 16 * ((int64_t)machine->workers + 1) + 64;
}

static void judge_descriptors(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;
	int64_t needed = descriptors_needed(machine);

	if (machine->nprocesses == 0) {
		no_process(finding);
		return;
	}
	for (size_t i = 0; i < machine->nprocesses; i++) {
		const struct doctor_process *process = &machine->processes[i];

		if (process->descriptors < 0 || process->descriptors >= needed)
			continue;
		finding_say(finding, HEALTH_WARNING, "process %ld may open %lld files, and limits.connections needs %lld",
			    "tiến trình %ld được mở %lld tệp, mà limits.connections cần %lld", process->pid,
			    (long long)process->descriptors, (long long)needed);
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%lld open files are needed, and allowed", "cần %lld tệp mở, và được phép",
			    (long long)needed);
	else
		finding_advise(finding, "raise LimitNOFILE= of the unit (without one: ulimit -n), or lower limits.connections",
			       "hãy tăng LimitNOFILE= của unit (không có unit: ulimit -n), hoặc giảm limits.connections");
}

static void judge_core_files(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;

	if (machine->nprocesses == 0) {
		no_process(finding);
		return;
	}
	for (size_t i = 0; i < machine->nprocesses; i++)
		if (machine->processes[i].core_files)
			finding_say(finding, HEALTH_WARNING, "process %ld may leave a core file, which would hold keys",
				    "tiến trình %ld có thể để lại tệp core, chứa khóa", machine->processes[i].pid);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "no daemon leaves a core file", "không tiến trình nào để lại tệp core");
	else
		finding_advise(finding, "set LimitCORE=0 in the unit, run a release build",
			       "hãy đặt LimitCORE=0 trong unit, dùng bản release");
}

static void judge_clock(const struct doctor_facts *facts, struct finding *finding)
{
	if (!facts->machine.clock_known) {
		finding_say(finding, HEALTH_SKIPPED, "the kernel does not tell", "hệ điều hành không cho biết");
	} else if (!facts->machine.clock_synchronised) {
		finding_say(finding, HEALTH_WARNING, "nothing keeps this machine's clock", "không có gì giữ đúng giờ máy này");
		finding_advise(finding, "apt install systemd-timesyncd; timedatectl set-ntp true",
			       "apt install systemd-timesyncd; timedatectl set-ntp true");
	} else {
		finding_say(finding, HEALTH_OK, "the clock is synchronised", "đồng hồ đã được đồng bộ");
	}
}

static void judge_one_socket(const struct doctor_socket *one, struct finding *finding)
{
	if (one->status == 0)
		finding_say(finding, HEALTH_FAILURE, "nobody listens at %s", "không ai lắng nghe ở %s", one->path);
	else if (one->status == -1)
		finding_say(finding, HEALTH_SKIPPED, "this user may not ask at %s", "người dùng này không được hỏi ở %s",
			    one->path);
	else if (one->status != 200)
		finding_say(finding, HEALTH_FAILURE, "/readyz at %s says %d", "/readyz ở %s trả lời %d", one->path,
			    one->status);
	if (one->mode & OTHERS_TALK)
		finding_say(finding, HEALTH_WARNING, "%s (mode %04o) lets every user here speak as the proxy",
			    "%s (quyền %04o) cho mọi người dùng trên máy giả làm máy chủ trung gian", one->path, one->mode);
	else if ((one->mode & GROUP_TALKS) != GROUP_TALKS)
		finding_say(finding, HEALTH_WARNING, "%s (mode %04o) is closed to the proxy", "%s (quyền %04o) đóng với máy chủ trung gian",
			    one->path, one->mode);
}

static void judge_sockets(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;

	if (machine->nsockets == 0) {
		finding_say(finding, HEALTH_SKIPPED, "there is no socket in /run/giothong", "không có socket nào trong /run/giothong");
		return;
	}
	for (size_t i = 0; i < machine->nsockets; i++)
		judge_one_socket(&machine->sockets[i], finding);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%zu answer, for the daemon's group alone", "%zu trả lời, chỉ cho nhóm của chương trình",
			    machine->nsockets);
	else if (finding->health > HEALTH_SKIPPED)
		finding_advise(finding, "systemctl status 'giothongd@*'; journalctl -u 'giothongd@*'; UMask=0117 in the unit",
			       "systemctl status 'giothongd@*'; journalctl -u 'giothongd@*'; UMask=0117 trong unit");
}

static void judge_start(const struct doctor_facts *facts, struct finding *finding)
{
	switch (facts->machine.unit) {
	case UNIT_ABSENT:
		finding_say(finding, HEALTH_SKIPPED, "giothong.target is not installed", "chưa cài giothong.target");
		break;
	case UNIT_DISABLED:
		finding_say(finding, HEALTH_WARNING, "giothong.target is off: after a restart of the machine nobody serves",
			    "giothong.target đang tắt: máy khởi động lại thì không ai phục vụ");
		finding_advise(finding, "systemctl enable --now giothong.target", "systemctl enable --now giothong.target");
		break;
	case UNIT_ENABLED:
		finding_say(finding, HEALTH_OK, "giothong.target starts with the machine", "giothong.target khởi động cùng máy");
		break;
	}
}

/* Full disks stop writes; below two hundredths or half a gigabyte that is near. */
static void judge_disk(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_machine *machine = &facts->machine;
	int64_t free_mb = machine->disk_free >> 20;
	int percent = machine->disk_size > 0 ? (int)(machine->disk_free * 100 / machine->disk_size) : 0;
	int files = machine->disk_files > 0 ? (int)(machine->disk_free_files * 100 / machine->disk_files) : 100;

	if (!machine->disk_known) {
		finding_say(finding, HEALTH_SKIPPED, "the folder of the database is not known here, or is on another machine",
			    "không biết thư mục của cơ sở dữ liệu, hoặc nó ở máy khác");
		finding_advise(finding, "run it as root on the database's machine", "hãy chạy với quyền root trên máy cơ sở dữ liệu");
		return;
	}
	finding_say(finding,
		    percent < 2 || free_mb < 512 || files < 2 ? HEALTH_FAILURE
		    : percent < 10 || files < 10              ? HEALTH_WARNING
							      : HEALTH_OK,
		    "%lld MB (%d %%) and %d %% of the files are free at %s", "còn %lld MB (%d %%) và %d %% số tệp ở %s",
		    (long long)free_mb, percent, files, machine->disk_path);
	if (finding->health != HEALTH_OK)
		finding_advise(finding, "make room: when it is full, writes are refused",
			       "hãy giải phóng chỗ: khi đầy, mọi thao tác ghi bị từ chối");
}

const struct doctor_check doctor_machine_checks[] = {
	{ "settings.file", NEEDS_NOTHING, judge_file },
	{ "settings.listener", NEEDS_SETTINGS, judge_listener },
	{ "settings.public", NEEDS_SETTINGS, judge_public },
	{ "keyring", NEEDS_SETTINGS, judge_keyring },
	{ "machine.start", NEEDS_NOTHING, judge_start },
	{ "machine.sockets", NEEDS_NOTHING, judge_sockets },
	{ "machine.descriptors", NEEDS_SETTINGS, judge_descriptors },
	{ "machine.core_files", NEEDS_NOTHING, judge_core_files },
	{ "machine.clock", NEEDS_NOTHING, judge_clock },
	{ "machine.disk", NEEDS_SETTINGS, judge_disk },
	{ 0 }
};
