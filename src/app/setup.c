typedef int setup_being_built;
