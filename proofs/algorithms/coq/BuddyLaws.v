(* BuddyLaws.v - completeness, rejection, conservation and reversibility of the buddy system of Buddy.v. *)
From Coq Require Import ZArith List Bool Lia Arith.
From Ashlar Require Import Buddy.
Open Scope Z_scope.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

(* C4 ----------------------------------------------------------------------------------------------------------- *)
(* Coalesced as it is, a block of which every byte is free is one free block. *)
Lemma all_free n : forall t, ok n t -> (forall x, 0 <= x < size n -> is_free n t x = true) -> t = Free.
Proof.
  induction n as [|m IH]; intros t K F; destruct t as [| |l r]; trivial; try contradiction.
  - specialize (F 0 ltac:(simpl; lia)). discriminate.
  - specialize (F 0). pose proof (size_pos (S m)). specialize (F ltac:(lia)). discriminate.
  - exfalso. destruct K as (A & B & N). pose proof (size_pos m). apply N. split; apply IH; trivial; intros x X; simpl in F.
    + specialize (F x ltac:(lia)). replace (x <? size m) with true in F by (symmetry; apply Z.ltb_lt; lia). exact F.
    + specialize (F (x + size m) ltac:(lia)).
      replace (x + size m <? size m) with false in F by (symmetry; apply Z.ltb_ge; lia).
      replace (x + size m - size m) with x in F by lia. exact F.
Qed.
(* Granted if and only if some run of that size, aligned to itself, is free. *)
Theorem allocate_complete n : forall t k, ok n t -> (k <= n)%nat ->
  (exists off, take n t off k <> None) <->
  (exists p, (size k | p) /\ 0 <= p /\ p + size k <= size n /\ forall x, p <= x < p + size k -> is_free n t x = true).
Proof.
  intros t k K L. split.
  - intros (off & T). destruct (take n t off k) as [t'|] eqn:E; [|tauto]. exists off.
    pose proof (take_place _ _ _ _ _ E) as (A & B & C & _). refine (conj A (conj B (conj C _))). intros x X.
    apply (take_free _ _ _ _ _ E); [lia|]. unfold within. apply andb_true_iff. rewrite Z.leb_le, Z.ltb_lt. lia.
  - revert t K L. induction n as [|m IH]; intros t K L (p & D & P & Q & F); pose proof (size_pos k) as SK;
    destruct t as [| |l r]; try contradiction.
    + exists 0. assert (k = O) by lia. subst. discriminate.
    + specialize (F p ltac:(lia)). discriminate.
    + exists 0. cbn [take]. rewrite (proj2 (Nat.leb_le k (S m)) L). discriminate.
    + specialize (F p ltac:(lia)). discriminate.
    + pose proof (size_pos m) as SM. destruct (le_lt_dec k m) as [Lm|Lm].
      * destruct K as (A & B & N). destruct (size_divides k m Lm) as [c Ec]. destruct D as [a Ea]. simpl in Q, F.
        destruct (Z_lt_ge_dec p (size m)) as [Pm|Pm].
        -- assert (p + size k <= size m).
           { assert (a < c) by (apply (Z.mul_lt_mono_pos_r (size k)); lia).
             pose proof (Z.mul_le_mono_nonneg_r (a + 1) c (size k) ltac:(lia) ltac:(lia)). lia. }
           destruct (IH l A Lm) as (off & T).
           { exists p. split; [exists a; exact Ea|]. split; [lia|]. split; [lia|]. intros x X. specialize (F x X).
             replace (x <? size m) with true in F by (symmetry; apply Z.ltb_lt; lia). exact F. }
           exists off. cbn [take]. destruct (take m l off k) as [l'|] eqn:E; [|tauto].
           pose proof (take_place _ _ _ _ _ E) as (_ & _ & C & _).
           replace (off <? size m) with true by (symmetry; apply Z.ltb_lt; lia). discriminate.
        -- destruct (IH r B Lm) as (off & T).
           { exists (p - size m). split; [exists (a - c); lia|]. split; [lia|]. split; [lia|]. intros x X.
             specialize (F (x + size m) ltac:(lia)).
             replace (x + size m <? size m) with false in F by (symmetry; apply Z.ltb_ge; lia).
             replace (x + size m - size m) with x in F by lia. exact F. }
           exists (off + size m). cbn [take]. destruct (take m r off k) as [r'|] eqn:E; [|tauto].
           pose proof (take_place _ _ _ _ _ E) as (_ & C & _).
           replace (off + size m <? size m) with false by (symmetry; apply Z.ltb_ge; lia).
           replace (off + size m - size m) with off by lia. rewrite E. discriminate.
      * assert (k = S m) by lia. subst k. assert (p = 0) by lia. subst p.
        assert (Split l r = Free) as E; [|discriminate E]. apply (all_free (S m)); trivial.
Qed.
(* The scan of the orders finds one if and only if a block can be taken. *)
Theorem least_free_complete n : forall t k, ok n t -> least_free n t k <> None <-> (exists off, take n t off k <> None).
Proof.
  induction n as [|m IH]; intros t k K; destruct t as [| |l r]; try contradiction; cbn [least_free take].
  - destruct (Nat.leb k 0); split; try discriminate; try (intros N; now destruct N).
    + intros _. now exists 0.
    + intros (off & N). rewrite andb_false_r in N. tauto.
  - split; [tauto|intros (? & ?); tauto].
  - destruct (Nat.leb k (S m)); split; try discriminate; try (intros N; now destruct N).
    + intros _. now exists 0.
    + intros (off & N). rewrite andb_false_r in N. tauto.
  - split; [tauto|intros (? & ?); tauto].
  - destruct K as (A & B & _). specialize (IH l k A) as IL. specialize (IH r k B) as IR. pose proof (size_pos m). split.
    + intros N. destruct (least_free m l k) as [a|].
      * destruct (proj1 IL ltac:(discriminate)) as (off & T). exists off.
        destruct (take m l off k) as [l'|] eqn:E; [|tauto]. pose proof (take_place _ _ _ _ _ E) as (_ & _ & C & _).
        pose proof (size_pos k). replace (off <? size m) with true by (symmetry; apply Z.ltb_lt; lia). discriminate.
      * destruct (proj1 IR N) as (off & T). exists (off + size m).
        destruct (take m r off k) as [r'|] eqn:E; [|tauto]. pose proof (take_place _ _ _ _ _ E) as (_ & C & _).
        replace (off + size m <? size m) with false by (symmetry; apply Z.ltb_ge; lia).
        replace (off + size m - size m) with off by lia. rewrite E. discriminate.
    + intros (off & N). destruct (off <? size m).
      * destruct (take m l off k) eqn:E; [|tauto]. assert (least_free m l k <> None) as Q by (apply IL; exists off; congruence).
        destruct (least_free m l k); [|tauto]. destruct (least_free m r k); discriminate.
      * destruct (take m r (off - size m) k) eqn:E; [|tauto].
        assert (least_free m r k <> None) as Q by (apply IR; exists (off - size m); congruence).
        destruct (least_free m l k), (least_free m r k); try discriminate; tauto.
Qed.
(* Wherever a free block of a sufficient order begins, it can be taken: each choice among them is as good. *)
Theorem take_order n : forall t off j k, order_at n t off = Some j -> (k <= j)%nat -> take n t off k <> None.
Proof.
  induction n as [|m IH]; intros t off j k; destruct t as [| |l r]; cbn [order_at take]; try discriminate.
  - destruct (off =? 0); [|discriminate]. intros [= <-] L. rewrite (proj2 (Nat.leb_le _ _) L). discriminate.
  - destruct (off =? 0); [|discriminate]. intros [= <-] L. rewrite (proj2 (Nat.leb_le _ _) L). discriminate.
  - destruct (off <? size m); intros O L.
    + specialize (IH _ _ _ _ O L). destruct (take m l off k); [discriminate|tauto].
    + specialize (IH _ _ _ _ O L). destruct (take m r (off - size m) k); [discriminate|tauto].
Qed.

(* C2, C5 ------------------------------------------------------------------------------------------------------- *)
(* Given back if and only if a live block of just that order begins there. *)
Theorem release_rejects n : forall t off k, release n t off k <> None <-> is_live n t off k = true.
Proof.
  induction n as [|m IH]; intros t off k; destruct t as [| |l r]; cbn [release is_live]; try (split; [tauto|discriminate]).
  - destruct ((off =? 0) && _); split; congruence.
  - destruct ((off =? 0) && _); split; congruence.
  - destruct (off <? size m); [specialize (IH l off k)|specialize (IH r (off - size m) k)];
    (destruct (release m _ _ k); [split; [intros _; apply IH; discriminate|discriminate]|rewrite <- IH; tauto]).
Qed.
Lemma join_free m l r x : is_free (S m) (join l r) x = is_free (S m) (Split l r) x.
Proof. destruct l, r; cbn [join is_free]; trivial. destruct (x <? size m); reflexivity. Qed.
Lemma join_live m l r off k : is_live (S m) (join l r) off k = is_live (S m) (Split l r) off k.
Proof. destruct l, r; cbn [join is_live]; trivial. destruct (off <? size m); reflexivity. Qed.
Lemma live_place n : forall t off k, is_live n t off k = true -> 0 <= off /\ off + size k <= size n.
Proof.
  induction n as [|m IH]; intros t off k; destruct t as [| |l r]; cbn [is_live]; try discriminate.
  - rewrite andb_true_iff, Z.eqb_eq, Nat.eqb_eq. intros [-> ->]. lia.
  - rewrite andb_true_iff, Z.eqb_eq, Nat.eqb_eq. intros [-> ->]. lia.
  - pose proof (size_pos m). simpl size. destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O|apply Z.ltb_ge in O]; intros L; apply IH in L; lia.
Qed.
(* Just the bytes of the block become free. *)
Theorem release_free n : forall t off k t', release n t off k = Some t' -> forall x, 0 <= x < size n ->
  is_free n t' x = is_free n t x || within off k x.
Proof.
  assert (W0 : forall k x, 0 <= x < size k -> within 0 k x = true).
  { intros k x X. unfold within. apply andb_true_iff. rewrite Z.leb_le, Z.ltb_lt. lia. }
  induction n as [|m IH]; intros t off k t'; destruct t as [| |l r]; cbn [release]; try discriminate; intros R x X.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.eqb k 0) eqn:N; [|discriminate]. injection R as <-.
    apply Z.eqb_eq in E. apply Nat.eqb_eq in N. subst. rewrite W0 by lia. reflexivity.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.eqb k (S m)) eqn:N; [|discriminate]. injection R as <-.
    apply Z.eqb_eq in E. apply Nat.eqb_eq in N. subst. rewrite W0 by lia. reflexivity.
  - simpl in X. assert (Lv : is_live (S m) (Split l r) off k = true) by (apply release_rejects; cbn [release]; congruence).
    cbn [is_live] in Lv. destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O | apply Z.ltb_ge in O]; apply live_place in Lv.
    + destruct (release m l off k) as [l'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_free. cbn [is_free].
      destruct (x <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L]; [apply (IH _ _ _ _ T); lia|].
      assert (W : within off k x = false) by (unfold within; apply andb_false_iff; right; apply Z.ltb_ge; lia).
      rewrite W. now rewrite orb_false_r.
    + destruct (release m r (off - size m) k) as [r'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_free. cbn [is_free].
      destruct (x <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L].
      * assert (W : within off k x = false) by (unfold within; apply andb_false_iff; left; apply Z.leb_gt; lia).
        rewrite W. now rewrite orb_false_r.
      * rewrite <- (within_shift off k x (size m)). apply (IH _ _ _ _ T). lia.
Qed.
Lemma carve_live n : forall k off j, (k <= n)%nat -> 0 <= off -> is_live n (carve n k) off j = (off =? 0) && Nat.eqb j k.
Proof.
  induction n as [|m IH]; intros k off j K P.
  - assert (k = O) by lia. subst. reflexivity.
  - cbn [carve]. destruct (Nat.eqb (S m) k) eqn:E.
    + apply Nat.eqb_eq in E. subst. reflexivity.
    + apply Nat.eqb_neq in E. cbn [is_live]. pose proof (size_pos m).
      destruct (off <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L]; [apply IH; lia|].
      symmetry; apply andb_false_iff; left; apply Z.eqb_neq; lia.
Qed.
Lemma shift_eqb a b d : (a - d =? b - d) = (a =? b).
Proof. apply eq_true_iff_eq. rewrite !Z.eqb_eq. lia. Qed.
(* Every other live block stays; the grant is the only new one. *)
Theorem take_frame n : forall t off k t', take n t off k = Some t' -> forall o j, 0 <= o ->
  is_live n t' o j = is_live n t o j || ((o =? off) && Nat.eqb j k).
Proof.
  induction n as [|m IH]; intros t off k t' T o j P; pose proof (take_place _ _ _ _ _ T) as (_ & P1 & P2 & P3);
  destruct t as [| |l r]; try discriminate; cbn [take] in T.
  - destruct ((off =? 0) && _) eqn:C; [|discriminate]. assert (t' = carve 0 k) as -> by congruence. rewrite carve_live by lia.
    apply andb_true_iff in C. destruct C as [C _]. apply Z.eqb_eq in C. subst. reflexivity.
  - destruct ((off =? 0) && _) eqn:C; [|discriminate]. assert (t' = carve (S m) k) as -> by congruence. rewrite carve_live by lia.
    apply andb_true_iff in C. destruct C as [C _]. apply Z.eqb_eq in C. subst. reflexivity.
  - pose proof (size_pos k). destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O | apply Z.ltb_ge in O].
    + destruct (take m l off k) as [l'|] eqn:T1; [|discriminate]. injection T as <-. cbn [is_live].
      destruct (o <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L]; [apply (IH _ _ _ _ T1); lia|].
      replace (o =? off) with false by (symmetry; apply Z.eqb_neq; lia). now rewrite orb_false_r.
    + destruct (take m r (off - size m) k) as [r'|] eqn:T1; [|discriminate]. injection T as <-. cbn [is_live].
      destruct (o <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L].
      * replace (o =? off) with false by (symmetry; apply Z.eqb_neq; lia). now rewrite orb_false_r.
      * rewrite <- (shift_eqb o off (size m)). apply (IH _ _ _ _ T1). lia.
Qed.
Theorem release_frame n : forall t off k t', release n t off k = Some t' -> forall o j, 0 <= o -> 0 <= off ->
  is_live n t' o j = is_live n t o j && negb ((o =? off) && Nat.eqb j k).
Proof.
  induction n as [|m IH]; intros t off k t' R o j P Q; destruct t as [| |l r]; cbn [release] in R; try discriminate.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.eqb k 0) eqn:N; [|discriminate]. injection R as <-.
    apply Z.eqb_eq in E. apply Nat.eqb_eq in N. subst. cbn [is_live]. now rewrite andb_negb_r.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.eqb k (S m)) eqn:N; [|discriminate]. injection R as <-.
    apply Z.eqb_eq in E. apply Nat.eqb_eq in N. subst. cbn [is_live]. now rewrite andb_negb_r.
  - destruct (off <? size m) eqn:O; [apply Z.ltb_lt in O | apply Z.ltb_ge in O].
    + destruct (release m l off k) as [l'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_live. cbn [is_live].
      destruct (o <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L]; [apply (IH _ _ _ _ T); lia|].
      replace (o =? off) with false by (symmetry; apply Z.eqb_neq; lia). now rewrite andb_true_r.
    + destruct (release m r (off - size m) k) as [r'|] eqn:T; [|discriminate]. injection R as <-. rewrite join_live. cbn [is_live].
      destruct (o <? size m) eqn:L; [apply Z.ltb_lt in L | apply Z.ltb_ge in L].
      * replace (o =? off) with false by (symmetry; apply Z.eqb_neq; lia). now rewrite andb_true_r.
      * rewrite <- (shift_eqb o off (size m)). apply (IH _ _ _ _ T); lia.
Qed.

(* C3 *)
Theorem conservation n : forall t, ok n t -> free_size n t + live_size n t = size n.
Proof.
  induction n as [|m IH]; intros t K; destruct t as [| |l r]; simpl; try lia; try contradiction.
  destruct K as (A & B & _). pose proof (IH l A). pose proof (IH r B). lia.
Qed.
(* C7: giving back what was granted restores the tree: every half that was made is joined again. *)
Lemma carve_release n : forall k, (k <= n)%nat -> release n (carve n k) 0 k = Some Free.
Proof.
  induction n as [|m IH]; intros k K.
  - assert (k = O) by lia. subst. reflexivity.
  - cbn [carve]. destruct (Nat.eqb (S m) k) eqn:E.
    + apply Nat.eqb_eq in E. subst. cbn [release]. now rewrite Nat.eqb_refl.
    + apply Nat.eqb_neq in E. cbn [release]. pose proof (size_pos m).
      replace (0 <? size m) with true by (symmetry; apply Z.ltb_lt; lia). rewrite IH by lia. reflexivity.
Qed.
Theorem release_take n : forall t off k t', ok n t -> take n t off k = Some t' -> release n t' off k = Some t.
Proof.
  assert (J : forall m l r, ok (S m) (Split l r) -> join l r = Split l r).
  { intros m l r (_ & _ & N). destruct l, r; trivial. exfalso. auto. }
  induction n as [|m IH]; intros t off k t' K T; destruct t as [| |l r]; try discriminate; try contradiction; cbn [take] in T.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.leb k 0) eqn:L; [|discriminate].
    assert (t' = carve 0 k) as -> by (cbn [andb] in T; congruence).
    apply Z.eqb_eq in E. apply Nat.leb_le in L. subst. apply (carve_release 0). trivial.
  - destruct (off =? 0) eqn:E; [|discriminate]. destruct (Nat.leb k (S m)) eqn:L; [|discriminate].
    assert (t' = carve (S m) k) as -> by (cbn [andb] in T; congruence).
    apply Z.eqb_eq in E. apply Nat.leb_le in L. subst. apply carve_release. trivial.
  - pose proof K as (A & B & N). destruct (off <? size m) eqn:O.
    + destruct (take m l off k) as [l'|] eqn:T1; [|discriminate]. injection T as <-. cbn [release]. rewrite O.
      rewrite (IH _ _ _ _ A T1). f_equal. exact (J m l r K).
    + destruct (take m r (off - size m) k) as [r'|] eqn:T1; [|discriminate]. injection T as <-. cbn [release]. rewrite O.
      rewrite (IH _ _ _ _ B T1). f_equal. exact (J m l r K).
Qed.

(* And with nothing live any more, a region is one free block, whatever took place. *)
Theorem nothing_live_is_whole n : forall t, ok n t -> live_size n t = 0 -> t = Free.
Proof.
  assert (N : forall m t, 0 <= live_size m t).
  { induction m as [|m IH]; intros [| |l r]; simpl; try lia; [pose proof (size_pos m); lia|]. pose proof (IH l). pose proof (IH r). lia. }
  induction n as [|m IH]; intros t K L; destruct t as [| |l r]; trivial; try contradiction; simpl in L; try lia.
  - pose proof (size_pos m). lia.
  - destruct K as (A & B & S). exfalso. pose proof (N m l). pose proof (N m r). apply S. split; apply IH; trivial; lia.
Qed.

(* buddy_math: the order of a layout is the least whose blocks hold it, at its alignment. *)
Definition rounded (bytes log_align least : Z) : Z := Z.max (Z.max (Z.log2_up bytes) log_align) least.
Theorem rounded_least bytes log_align least : 1 <= bytes -> 0 <= log_align -> 0 <= least ->
  forall k, rounded bytes log_align least <= k <-> bytes <= 2 ^ k /\ log_align <= k /\ least <= k.
Proof.
  intros B A L k. unfold rounded. rewrite !Z.max_lub_iff.
  assert (E : Z.log2_up bytes <= k /\ 0 <= k <-> bytes <= 2 ^ k /\ 0 <= k).
  { destruct (Z.eq_dec bytes 1) as [->|N].
    - rewrite Z.log2_up_1. split; intros [_ H]; pose proof (Z.pow_pos_nonneg 2 k ltac:(lia) H); lia.
    - pose proof (Z.log2_up_le_pow2 bytes k ltac:(lia)). tauto. }
  intuition lia.
Qed.
