import harness

TABLE = "| layer | may include | what it is |\n|---|---|---|\n| foundation | - | words |\n| os | foundation | pages |\n"
LAYERS = {"layers.toml": '[layers]\nfoundation = []\nos = ["foundation"]\n'}


class Architecture(harness.LintTest):
    lint = "architecture"

    def test_a_true_table_is_fine(self):
        self.good({**LAYERS, "ARCHITECTURE.md": TABLE + "\n| place | x | y |\n|---|---|---|\n| src | tools | z |\n"})

    def test_what_differs_is_reported(self):
        self.bad(LAYERS, "ARCHITECTURE.md:1: does not exist")
        self.bad({**LAYERS, "ARCHITECTURE.md": TABLE.replace("| os | foundation ", "| os | - ")}, "ARCHITECTURE.md:4: layers.toml lets os")
        self.bad({**LAYERS, "ARCHITECTURE.md": TABLE.replace("| os |", "| gc |")}, "lacks os", "ARCHITECTURE.md:4: layers.toml has no layer gc")


harness.main()
